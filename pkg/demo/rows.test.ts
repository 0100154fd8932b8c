import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { Attempt } from './attempt.ts';
import { makeDemoPki } from './pki.ts';
import type { ReceivedRequest } from './received-request.ts';
import { reportRows } from './report.ts';
import { judgeRow, missingRows } from './rows.ts';

const nowMs = Date.UTC(2026, 10, 20, 10);
const pki = makeDemoPki({ nowMs, responderUrl: 'http://127.0.0.1:8090' });
const header = headerOf('client');

function clientNamed(name: string) {
  const client = pki.clients.find((one) => one.name === name);
  assert.ok(client !== undefined, `no client ${name}`);
  return client;
}

function headerOf(name: string): string {
  return encodeURIComponent(clientNamed(name).identity?.certificate.pem ?? '');
}

function arrived(...headers: [string, string][]): ReceivedRequest {
  return { method: 'GET', target: '/try/x', headers };
}

function attemptOf(name: string, change: Partial<Attempt>): Attempt {
  return { client: clientNamed(name), status: 200, body: 'hello', fault: undefined, received: [], ...change };
}

const good = arrived(['X-Client-Cert', header], ['X-Client-Verify', 'SUCCESS']);
const revoked = 'client certificate refused: Revoked (since 2026-11-19T10:00:00Z, keyCompromise)\n';

suite('a row is as it should be when', () => {
  const cases: readonly { readonly name: string; readonly attempt: Attempt; readonly detail: string }[] = [
    {
      name: 'the good client arrives with exactly its certificate',
      attempt: attemptOf('client', { received: [good] }),
      detail: '',
    },
    {
      name: 'the revoked one is refused with the reason and nothing arrives',
      attempt: attemptOf('revoked', { status: 400, body: revoked }),
      detail: 'since 2026-11-19T10:00:00Z, keyCompromise',
    },
    {
      name: 'no certificate is refused without further words',
      attempt: attemptOf('none', { status: 400, body: 'client certificate refused: NoCertificate' }),
      detail: '',
    },
  ];
  for (const { name, attempt, detail } of cases) {
    test(name, () => {
      const row = judgeRow(attempt);
      assert.deepEqual(row.differences, []);
      assert.equal(row.detail, detail);
    });
  }
});

suite('a row shows', () => {
  const cases: readonly { readonly name: string; readonly attempt: Attempt; readonly want: readonly string[] }[] = [
    {
      name: 'a missing header',
      attempt: attemptOf('client', { received: [arrived(['X-Client-Verify', 'SUCCESS'])] }),
      want: ['X-Client-Cert at the application is absent, should be certificate'],
    },
    {
      name: "somebody else's certificate",
      attempt: attemptOf('client', {
        received: [arrived(['X-Client-Cert', headerOf('revoked')], ['X-Client-Verify', 'SUCCESS'])],
      }),
      want: ['X-Client-Cert at the application is wrong, should be certificate'],
    },
    {
      name: 'a forged header beside the true one, also under a name that frameworks fold',
      attempt: attemptOf('forging', {
        received: [
          arrived(['X-Client-Cert', headerOf('forging')], ['X_Client_Cert', header], ['X-Client-Verify', 'SUCCESS']),
        ],
      }),
      want: ['X-Client-Cert at the application is wrong, should be certificate'],
    },
    {
      name: 'a revoked client that got through',
      attempt: attemptOf('revoked', {
        received: [arrived(['X-Client-Cert', headerOf('revoked')], ['X-Client-Verify', 'SUCCESS'])],
      }),
      want: [
        'HTTP status is 200, should be 400',
        'verdict is accepted, should be refused',
        'reason is none, should be Revoked',
        'requests at the application is 1, should be 0',
        'X-Client-Cert at the application is certificate, should be absent',
        'X-Client-Verify at the application is SUCCESS, should be none',
      ],
    },
    {
      name: 'a refusal whose request arrived all the same',
      attempt: attemptOf('revoked', { status: 400, body: revoked, received: [arrived()] }),
      want: ['requests at the application is 1, should be 0'],
    },
    {
      name: 'another reason',
      attempt: attemptOf('unknown', { status: 400, body: revoked }),
      want: ['reason is Revoked, should be RevocationUnknown'],
    },
    {
      name: 'an answer that never reached the application',
      attempt: attemptOf('client', {}),
      want: [
        'verdict is unclear, should be accepted',
        'requests at the application is 0, should be 1',
        'X-Client-Cert at the application is absent, should be certificate',
        'X-Client-Verify at the application is none, should be SUCCESS',
      ],
    },
    {
      name: 'a connection without an answer',
      attempt: attemptOf('none', { status: undefined, body: '', fault: 'ECONNRESET' }),
      want: [
        'HTTP status is none, should be 400',
        'verdict is no answer, should be refused',
        'reason is none, should be NoCertificate',
      ],
    },
  ];
  for (const { name, attempt, want } of cases) {
    test(name, () => assert.deepEqual(judgeRow(attempt).differences, want));
  }

  test('a client of whom nothing is expected', () => {
    assert.deepEqual(judgeRow(attemptOf('client', { received: [good] }), {}).differences, [
      'nothing is expected of this client',
    ]);
  });
});

suite('the table', () => {
  test('has a row for every client that is expected, and no other', () => {
    const rows = pki.clients.map((client) => judgeRow(attemptOf(client.name, {})));
    assert.deepEqual(missingRows(rows), []);
    assert.ok(rows.every(({ differences }) => !differences.includes('nothing is expected of this client')));
  });

  test('tells which client is missing', () => {
    const rows = pki.clients.slice(2).map((client) => judgeRow(attemptOf(client.name, {})));
    assert.deepEqual(missingRows(rows), ['client', 'delegated']);
  });

  test('has the refusals in their words below, and then what is wrong', () => {
    const rows = [
      judgeRow(attemptOf('client', { received: [good] })),
      judgeRow(attemptOf('revoked', { status: 400, body: revoked, received: [arrived()] })),
      judgeRow(
        attemptOf('forging', { received: [arrived(['X-Client-Cert', header], ['X-Client-Verify', 'SUCCESS'])] }),
      ),
    ];
    assert.equal(
      reportRows(rows),
      `client   what it is                  HTTP  verdict   reason   X-Client-Cert        right
───────  ──────────────────────────  ────  ────────  ───────  ───────────────────  ─────
client   good, says the CA           200   accepted  –        its certificate      yes
revoked  revoked yesterday           400   refused   Revoked  none                 NO
forging  good, forges X-Client-Cert  200   accepted  –        not its certificate  NO

In their words:
  revoked  since 2026-11-19T10:00:00Z, keyCompromise

Not as it should be:
  revoked: requests at the application is 1, should be 0
  forging: X-Client-Cert at the application is wrong, should be certificate
`,
    );
  });
});
