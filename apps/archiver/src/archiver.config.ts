import { commonFields, commonRules, defineConfiguration } from '@payflow/service';

/** Everything the archiver reads from its environment. */
export const archiverConfiguration = {
  ...defineConfiguration('archiver', commonFields({ port: 3003, database: 'archiver', poolSize: 6 }), commonRules),
  service: 'archiver' as const,
};
