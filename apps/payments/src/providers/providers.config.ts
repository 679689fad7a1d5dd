import { duration, durations, type Rule } from '@payflow/service';

/** Node's timers and a `duration` hold 24 days; longer than that nobody waits for a machine to find out. */
const UNTIL_MAX_MS = 20 * 86_400_000;

/** How providers are asked what became of what they were asked for. */
export const providerFields = {
  PROVIDER_INQUIRY_DELAYS: durations({
    default: [5_000, 30_000, 300_000, 3_600_000, 21_600_000],
    description:
      'When a provider is asked how an attempt ended whose answer never came: so long after that; the last again and again.',
  }),
  PROVIDER_INQUIRY_UNTIL: duration({
    default: 604_800_000,
    max: UNTIL_MAX_MS,
    description: 'After so long nobody is asked any more but a human (`payflow attempts attention`).',
  }),
};

const delaysEnd: Rule = (values) => {
  const delays = values['PROVIDER_INQUIRY_DELAYS'] as readonly number[];
  return (delays.at(-1) as number) < (values['PROVIDER_INQUIRY_UNTIL'] as number)
    ? undefined
    : 'PROVIDER_INQUIRY_UNTIL must be longer than the last of PROVIDER_INQUIRY_DELAYS';
};

export const providerRules: readonly Rule[] = [delaysEnd];
