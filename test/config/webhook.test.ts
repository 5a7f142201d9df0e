import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { inspect } from 'node:util';
import { afterAll, describe, expect, it } from 'vitest';
import { parse as parseYaml } from 'yaml';
import { loadApiConfig } from '../../config/api.ts';
import { connectorSchema } from '../../config/connectors/connectors.ts';
import { loadConfigFile } from '../../config/file.ts';

const SECRET = 'canary-secret-0123456789';
const SIGNING = Buffer.alloc(32, 7).toString('base64');
const TOPIC = 'arn:aws:sns:eu-central-1:123456789012:uploads';
const CLIENT = '66666666-2222-3333-4444-555555555555';
const KINDS = {
  aws_s3: { asset: 'bucket' },
  azure_blob_storage: { asset: 'abc', account: 'acct', identity: 'managed' },
  google_cloud_storage: { asset: 'bucket' },
  onedrive: { users: 'a@example.com', tenantId: 'contoso.example', clientId: CLIENT, clientSecret: SECRET },
  filesystem: { asset: '/srv' },
} as const;
const parse = (kind: keyof typeof KINDS, webhook: unknown) =>
  connectorSchema.safeParse({ id: 'one', kind, ...KINDS[kind], watch: { webhook } });
const faultOf = (kind: keyof typeof KINDS, ...webhook: unknown[]) => {
  const { error } = parse(kind, webhook);
  return error?.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`).join('; ') ?? '';
};

const folder = mkdtempSync(path.join(os.tmpdir(), 'dsx-webhook-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('webhooks', () => {
  it.each([
    ['aws_s3', { source: 's3', topic: TOPIC }],
    ['aws_s3', { source: 's3', secret: SECRET, header: 'X-Own' }],
    ['azure_blob_storage', { source: 'event-grid', secret: SECRET, query: 'key', topic: '/subscriptions/1/x' }],
    ['azure_blob_storage', { source: 'event-grid', tenantId: 't.example', audience: 'api://x' }],
    ['google_cloud_storage', { source: 'pubsub', audience: 'x', serviceAccount: 'a@b' }],
    ['onedrive', { source: 'graph', url: 'https://dsx.example.com/x', secret: SECRET }],
    ['filesystem', { source: 'signed', secret: `whsec_${SIGNING}`, previousSecret: SIGNING }],
    ['aws_s3', { source: 'signed', secret: SIGNING }],
  ] as const)('of %s are accepted: %j', (kind, webhook) => {
    expect(faultOf(kind, webhook)).toBe('');
    expect(inspect(parse(kind, [webhook]).data, { depth: 9 })).not.toContain('canary');
  });

  it.each([
    ['aws_s3', { source: 's3' }, /0\.secret: give either topic/],
    ['aws_s3', { source: 's3', topic: TOPIC, secret: SECRET }, /give either topic/],
    ['aws_s3', { source: 's3', topic: 'uploads' }, /0\.topic: must be the ARN/],
    ['aws_s3', { source: 's3', secret: 'short' }, /at least 16 characters/],
    ['aws_s3', { source: 's3', secret: SECRET, header: 'content-type' }, /another meaning/],
    ['aws_s3', { source: 'pubsub', audience: 'x', serviceAccount: 'a@b' }, /use s3 or signed/],
    ['aws_s3', { source: 'sqs' }, /must be one of s3, event-grid/],
    ['azure_blob_storage', { source: 'event-grid' }, /who calls must be proven/],
    ['azure_blob_storage', { source: 'event-grid', tenantId: 't' }, /who calls must be proven/],
    ['azure_blob_storage', { source: 'event-grid', secret: SECRET, tenantId: 't', audience: 'a' }, /must be proven/],
    ['azure_blob_storage', { source: 'event-grid', secret: SECRET, header: 'a', query: 'b' }, /keep one of them/],
    [
      'azure_blob_storage',
      { source: 'event-grid', tenantId: 't', audience: 'a', jwksUrl: 'http://x.example' },
      /https/,
    ],
    ['google_cloud_storage', { source: 'pubsub', audience: 'x' }, /0\.serviceAccount: must be the e-mail/],
    ['google_cloud_storage', { source: 'pubsub', serviceAccount: 'a@b' }, /0\.audience/],
    ['onedrive', { source: 'graph', url: 'http://dsx.example.com', secret: SECRET }, /https address that Graph calls/],
    ['onedrive', { source: 'graph', url: 'https://dsx.example.com' }, /0\.secret/],
    ['filesystem', { source: 'signed', secret: 'not base64, and long enough' }, /must be base64/],
    ['filesystem', { source: 'signed', secret: Buffer.alloc(23).toString('base64') }, /must be base64/],
    ['filesystem', { source: 's3', topic: TOPIC }, /does not call for a filesystem connector: use signed/],
  ] as const)('without a proof, or with one that can not work, are refused: %s %j', (kind, webhook, message) => {
    const fault = faultOf(kind, webhook);
    expect(fault).toMatch(message);
    expect(fault).not.toContain(SECRET);
  });

  it('are as docs/events.md shows them', () => {
    const page = readFileSync(path.join(import.meta.dirname, '../../docs/events.md'), 'utf8');
    const shown = [...page.matchAll(/```yaml\n(- source: (\S+)[\s\S]*?)```/g)];
    expect(shown).toHaveLength(7);
    const kinds = {
      s3: 'aws_s3',
      'event-grid': 'azure_blob_storage',
      pubsub: 'google_cloud_storage',
      graph: 'onedrive',
    };
    for (const [, text = '', source = ''] of shown) {
      const kind = kinds[source as keyof typeof kinds] ?? 'filesystem';
      expect(faultOf(kind as keyof typeof KINDS, ...parseYaml(text)), text).toBe('');
    }
  });

  it('have no other fields, and the message names those that there are', () => {
    const file = path.join(folder, 'unknown.yaml');
    const webhook = `[{ source: s3, topic: "${TOPIC}", topik: x }]`;
    writeFileSync(file, `connectors: [{ id: one, kind: aws_s3, asset: bucket, watch: { webhook: ${webhook} } }]\n`);
    const [problem] = loadConfigFile(file, {}, () => false).problems;
    expect(problem).toMatchObject({ code: 'unknown_key', field: 'connectors[0].watch.webhook[0].topik', line: 1 });
    expect(problem?.text).toBe('is not a field; did you mean topic?');
  });

  it.each([[], {}, 'on', [1]])('%j is refused', (webhook) => {
    expect(parse('aws_s3', webhook).success).toBe(false);
  });

  it('need their secrets where the API runs; a worker needs only what it makes subscriptions with', () => {
    const file = path.join(folder, 'dsx-connect.yaml');
    const graph = `{ source: graph, url: "https://dsx.example.com/x", secret: "\${GRAPH}" }`;
    const access = `users: a@example.com, tenantId: contoso.example, clientId: ${CLIENT}, clientSecret: s-0123456789`;
    writeFileSync(
      file,
      `connectors:
  - { id: share, kind: filesystem, asset: /srv, watch: { webhook: [{ source: signed, secret: "\${SIGNED}" }] } }
  - { id: drive, kind: onedrive, ${access}, watch: { webhook: [${graph}] } }
`,
    );
    const missing = (opens: boolean, hears: boolean) =>
      loadConfigFile(file, {}, () => opens, hears).problems.map(({ text }) => /\$\{(\w+)\}/.exec(text)?.[1]);
    expect(missing(false, false)).toEqual([]);
    expect(missing(true, false)).toEqual(['GRAPH']);
    expect(missing(false, true)).toEqual(['SIGNED', 'GRAPH']);
    expect(() => loadApiConfig({ DSX_CONFIG: file })).toThrow(/SIGNED.*set the variable where the API runs/);
    expect(loadApiConfig({ DSX_CONFIG: file, SIGNED: SIGNING, GRAPH: SECRET }).connectors).toHaveLength(2);
  });
});

describe('DSXCONNECT_PUBLIC_HOSTS', () => {
  const hosts = (text?: string) => loadApiConfig({ DSXCONNECT_PUBLIC_HOSTS: text }).publicHosts;

  it('is a list of host names', () => {
    expect(hosts()).toEqual([]);
    expect(hosts('DSX.example.com, hooks.example.com:8443')).toEqual(['dsx.example.com', 'hooks.example.com:8443']);
    for (const bad of ['*', 'https://dsx.example.com', 'a/b', 'a,,b', '*.example.com'])
      expect(() => hosts(bad)).toThrow();
  });
});
