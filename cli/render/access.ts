import type { AuditList, ConnectorKeyAnswer, KeyList, NewKeyAnswer } from '../../api/contract.ts';
import { visible } from './names.ts';
import { table } from './storage.ts';
import type { Style } from './style.ts';

export function keysText(keys: KeyList['keys'], style: Style): string {
  if (keys.length === 0) return 'no keys yet; make one with: dsx key create NAME --role viewer';
  const rows = keys.map(({ id, name, role, state, expiresAt, endsAt, lastUsed, createdBy, createdAt }) => [
    id,
    visible(name),
    role,
    state,
    endsAt ?? expiresAt ?? '-',
    lastUsed ?? '-',
    `${visible(createdBy)} at ${createdAt}`,
  ]);
  const [head = '', ...lines] = table([['ID', 'NAME', 'ROLE', 'STATE', 'ENDS', 'LAST USED', 'MADE BY'], ...rows]);
  return [style.strong(head), ...lines].join('\n');
}

/** What is said beside a new key, which stands alone on stdout. */
export function newKeyNote({ id, name, role, expiresAt, replaces }: NewKeyAnswer): string {
  const end = expiresAt === undefined ? '' : `, until ${expiresAt}`;
  const before = replaces === undefined ? '' : `, in place of ${replaces}`;
  return `key ${id} of ${visible(name)} (${role}${end}${before}); it is shown this once`;
}

export function connectorKeyText({ connector, id, replaces, endsAt }: ConnectorKeyAnswer): string {
  return `connector ${connector} gets key ${id} with its next heartbeat; ${replaces} ends at ${endsAt}`;
}

export function auditText({ entries, next }: AuditList): string {
  const lines = entries.map(({ at, actor, action, params = {}, status, code, job }) => {
    const [method = '', path = ''] = action.split(' ');
    const named = path.replaceAll(/:(\w+)/g, (_, name: string) => visible(String(params[name] ?? `:${name}`)));
    const made = job === undefined || named.includes(job) ? '' : `  job ${visible(job)}`;
    return `${at}  ${visible(actor)}  ${method} ${named}  ${status}${code === undefined ? '' : ` ${code}`}${made}`;
  });
  const more = next === undefined ? [] : [`there may be more: --after ${next}`];
  return [...(lines.length === 0 && next === undefined ? ['nothing was changed yet'] : lines), ...more].join('\n');
}
