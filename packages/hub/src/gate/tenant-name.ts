import { z } from 'zod';

/** What a tenant is called. */
export const tenantName = z
  .string('tenant is not text')
  .regex(/^[\w.-]{1,64}$/, 'tenant is not 1 to 64 letters, digits, ".", "_" or "-"');
