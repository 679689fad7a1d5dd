/** Parts of kafkajs that it neither exports nor describes. */
declare module 'kafkajs/src/*' {
  const part: unknown;
  export default part;
}
