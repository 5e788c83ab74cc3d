// An app that is set up wrongly is told so, in words that lead to the mistake.

import assert from 'node:assert/strict';
import { ask, logInKit, mint, modes, newPerson, openKit, query, startSession, test, useBrowser, world } from './harness.mjs';

useBrowser();

for (const mode of modes) {
  test(`${mode}: no audience, so that the token is opaque`, async (t) => {
    const page = await logInKit(await newPerson(t), 'Ada', mode, { auth0: { audience: undefined } });
    const { error } = await ask(page, 'getSecret');
    assert.equal(error.code, 'no_audience');
    assert.match(error.message, /opaque.*`audience`.*authorizationParams/);
    assert.equal((await query(page, '1')).error.code, 'no_audience', 'what the driver throws is not the client’s error');
  });

  test(`${mode}: DPoP, so that the token is bound`, async (t) => {
    const page = await logInKit(await newPerson(t), 'Ada', mode, { auth0: { useDpop: true, useRefreshTokens: true } });
    const token = await page.evaluate(() => window.auth0.getTokenSilently());
    assert.ok(JSON.parse(atob(token.split('.')[1])).cnf.jkt, 'the tenant has bound nothing');
    const { error } = await ask(page, 'getSecret');
    assert.equal(error.code, 'dpop');
    assert.equal(error.status, 401);
    assert.match(error.message, /DPoP.*useDpop/);
  });
}

test('a page in another mode than the service', async (t) => {
  for (const [page, program] of [['bearer', 'cookie'], ['cookie', 'bearer'], ['cookie', 'refresh']]) {
    const where = await openKit(await newPerson(t));
    await startSession(where, page, { token: await mint(3600), loginUrl: `${world[program].url}/fauna-login`, maxWaitSeconds: 0 });
    const { error } = await ask(where, 'getSecret');
    assert.ok(['bad_response', 'network'].includes(error?.code), `${page} at ${program}: ${JSON.stringify(error)}`);
  }
});
