import { migrations } from '@payflow/ledger/database';

export const canary = migrations;
