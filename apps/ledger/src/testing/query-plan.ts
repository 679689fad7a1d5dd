export { costOf, type Cost } from '@payflow/testing';
