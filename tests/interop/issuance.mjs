// An independent Privacy Pass client, Cloudflare's privacypass-ts, against a running issuer and gateway of Tabir:
// directory, challenge, blinding, issuance, finalizing, redemption. Everything of RFC 9576 to 9578 is the library's
// own work; from Tabir come the addresses, the names, a voucher, and two ready submissions for the token to pay for.
// README.md has the variables. Prints `privacypass-ts <version> PASS` or `… FAIL` and the reason.

import { strict as assert } from 'node:assert';
import { readFile } from 'node:fs/promises';
import {
    AuthorizationHeader,
    MediaType,
    PRIVATE_TOKEN_ISSUER_DIRECTORY,
    TOKEN_TYPES,
    WWWAuthenticateHeader,
    publicVerif,
    sendTokenRequest,
} from '@cloudflare/privacypass-ts';

const NAME = '@cloudflare/privacypass-ts';
const BLIND_RSA = TOKEN_TYPES.BLIND_RSA;

/** A variable of the environment; none is optional. */
function given(name) {
    const value = process.env[name];
    assert.ok(value, `${name} is not set`);
    return value;
}

async function version() {
    const lock = JSON.parse(await readFile(new URL('package-lock.json', import.meta.url)));
    return lock.packages[`node_modules/${NAME}`].version;
}

/** A request that gives up after ten seconds. */
function ask(url, options = {}) {
    return fetch(url, { ...options, redirect: 'error', signal: AbortSignal.timeout(10_000) });
}

/** The issuer's directory: where requests go, and its keys for type 0x0002. */
async function directory(issuer) {
    const answer = await ask(new URL(PRIVATE_TOKEN_ISSUER_DIRECTORY, issuer));
    assert.equal(answer.status, 200, 'status of the directory');
    assert.equal(answer.headers.get('content-type'), MediaType.PRIVATE_TOKEN_ISSUER_DIRECTORY, 'type of the directory');
    const config = await answer.json();
    const keys = config['token-keys'].filter((key) => key['token-type'] === BLIND_RSA.value);
    assert.notEqual(keys.length, 0, 'no key of type 0x0002 in the directory');
    return {
        uri: new URL(config['issuer-request-uri'], issuer),
        keys: keys.map((key) => Buffer.from(key['token-key'], 'base64url').toString('hex')),
    };
}

function submit(gateway, body, authorization) {
    const headers = { 'content-type': 'application/json' };
    if (authorization) headers.authorization = authorization;
    return ask(new URL('/v1/reports', gateway), { method: 'POST', headers, body });
}

/** The one challenge that the gateway gives to a submission without a token. */
async function challenge(gateway, body) {
    const answer = await submit(gateway, body);
    assert.equal(answer.status, 401, 'status without a token');
    const header = answer.headers.get('www-authenticate');
    assert.ok(header, 'a 401 without WWW-Authenticate');
    const all = WWWAuthenticateHeader.parse(header);
    assert.equal(all.length, 1, 'challenges in WWW-Authenticate');
    return all[0];
}

async function issued(uri, { challenge, tokenKey }, voucher) {
    const client = new publicVerif.Client(publicVerif.BlindRSAMode.PSS);
    const request = await client.createTokenRequest(challenge, tokenKey);
    const headers = new Headers({ 'Tabir-Attestation': `voucher ${voucher}` });
    const answer = await sendTokenRequest(request.serialize(), uri, headers);
    assert.equal(answer.length, BLIND_RSA.Nk, 'length of the token response');
    return client.finalize(client.deserializeTokenResponse(answer)); // verifies the signature as well
}

async function run() {
    const issuer = given('TABIR_ISSUER_URL');
    const gateway = given('TABIR_GATEWAY_URL');
    const body = await readFile(given('TABIR_BODY'));
    const other = await readFile(given('TABIR_OTHER_BODY'));

    const { uri, keys } = await directory(issuer);
    const asked = await challenge(gateway, body);
    assert.equal(asked.challenge.tokenType, BLIND_RSA.value, 'token type of the challenge');
    assert.equal(asked.challenge.issuerName, given('TABIR_ISSUER_NAME'), 'issuer name of the challenge');
    assert.deepEqual(asked.challenge.originInfo, [given('TABIR_ORIGIN')], 'origin of the challenge');
    assert.equal(asked.challenge.redemptionContext.length, 0, 'a redemption context could tag one user');
    assert.ok(keys.includes(Buffer.from(asked.tokenKey).toString('hex')), 'the challenge has a key of the directory');

    const token = await issued(uri, asked, given('TABIR_VOUCHER'));
    const authorization = new AuthorizationHeader(token).toString(true);

    // Spoilt in its last byte it must be refused, or taking it would show nothing.
    const spoilt = token.serialize();
    spoilt[spoilt.length - 1] ^= 1;
    const padded = Buffer.from(spoilt).toString('base64').replaceAll('+', '-').replaceAll('/', '_');
    assert.equal((await submit(gateway, body, `PrivateToken token="${padded}"`)).status, 401, 'status of a spoilt token');

    const taken = await submit(gateway, body, authorization);
    const first = await taken.text();
    assert.equal(taken.status, 201, `status of the redemption: ${first}`);
    const again = await submit(gateway, body, authorization);
    assert.equal(again.status, 201, 'status of the same redemption again');
    assert.equal(await again.text(), first, 'answer to the same redemption again');
    const spent = await submit(gateway, other, authorization);
    assert.equal(spent.status, 401, 'status of a second redemption');
    assert.equal((await spent.json()).type, 'urn:tabir:error:token-spent', 'code of a second redemption');
}

const name = `privacypass-ts ${await version()}`;
try {
    await run();
    console.log(`${name} PASS`);
} catch (error) {
    console.log(`${name} FAIL: ${error.message}`);
    process.exitCode = 1;
}
