/** Logging in. */
import assert from 'node:assert/strict';
import { type Row, row } from '../row.ts';

export const sessionRows: readonly Row[] = [
  row('login', ['login'], (client, { server }) => client.login(server.login.password)),
  row('login-refused', ['login'], async (client, { server }) => {
    await assert.rejects(client.login('wrong horse'));
    await client.login(server.login.password);
  }),
];
