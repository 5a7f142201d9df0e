import type { Command } from 'commander';

/** What each file in `cli/commands/` exports: adds its command, or commands, to the program. */
export interface CommandModule {
  register(program: Command): void;
}

export interface CommandEntry {
  readonly name: string;
  readonly summary: string;
  readonly group: string;
  /** Loaded only when the command is called, so that one command does not wait for what another one needs. */
  readonly load: () => Promise<CommandModule>;
}

const STORAGE = 'Before a scan:';
const SCANS = 'Scans:';
const STACK = 'The embedded stack:';
const ACCESS = 'Who may ask:';
const WORK = 'Work on dsx-connect itself:';

export const COMMANDS: readonly CommandEntry[] = [
  {
    name: 'demo',
    summary: 'scan a sample folder with a stack of its own, and print the account',
    group: SCANS,
    load: () => import('./commands/demo.ts'),
  },
  {
    name: 'connectors',
    summary: 'list the connectors',
    group: STORAGE,
    load: () => import('./commands/connectors.ts'),
  },
  {
    name: 'connector',
    summary: 'make, change and delete connectors of a running stack',
    group: STORAGE,
    load: () => import('./commands/connector.ts'),
  },
  {
    name: 'check',
    summary: 'try what a scan of a folder or connector needs',
    group: STORAGE,
    load: () => import('./commands/check.ts'),
  },
  {
    name: 'assets',
    summary: 'list what a connector could scan',
    group: STORAGE,
    load: () => import('./commands/assets.ts'),
  },
  {
    name: 'preview',
    summary: 'show the first items that a scan would list, and what it leaves out',
    group: STORAGE,
    load: () => import('./commands/preview.ts'),
  },
  {
    name: 'estimate',
    summary: 'count what a scan would list',
    group: STORAGE,
    load: () => import('./commands/estimate.ts'),
  },
  { name: 'scan', summary: 'scan a folder or a connector', group: SCANS, load: () => import('./commands/scan.ts') },
  { name: 'jobs', summary: 'list the jobs', group: SCANS, load: () => import('./commands/jobs.ts') },
  { name: 'watch', summary: 'follow a job until it ends', group: SCANS, load: () => import('./commands/watch.ts') },
  { name: 'pause', summary: 'pause a job', group: SCANS, load: () => import('./commands/control.ts') },
  { name: 'resume', summary: 'resume a paused job', group: SCANS, load: () => import('./commands/control.ts') },
  { name: 'cancel', summary: 'cancel a job', group: SCANS, load: () => import('./commands/control.ts') },
  {
    name: 'schedule',
    summary: 'start scans of connectors at set times',
    group: SCANS,
    load: () => import('./commands/schedule.ts'),
  },
  {
    name: 'limits',
    summary: 'show or change the limits of a job',
    group: SCANS,
    load: () => import('./commands/limits.ts'),
  },
  {
    name: 'retry',
    summary: 'scan again what a job could not judge',
    group: SCANS,
    load: () => import('./commands/retry.ts'),
  },
  {
    name: 'apply',
    summary: 'carry out what a dry run planned',
    group: SCANS,
    load: () => import('./commands/apply.ts'),
  },
  {
    name: 'quarantine',
    summary: 'list what was moved and not put back',
    group: SCANS,
    load: () => import('./commands/quarantine.ts'),
  },
  {
    name: 'restore',
    summary: 'put back what a job moved',
    group: SCANS,
    load: () => import('./commands/restore.ts'),
  },
  {
    name: 'allow',
    summary: 'let bytes stay by their SHA-256, or list what is allowed',
    group: SCANS,
    load: () => import('./commands/allow.ts'),
  },
  {
    name: 'approvals',
    summary: 'list findings whose actions wait for approval',
    group: SCANS,
    load: () => import('./commands/approvals.ts'),
  },
  {
    name: 'approve',
    summary: 'let waiting actions be carried out',
    group: SCANS,
    load: () => import('./commands/approvals.ts'),
  },
  {
    name: 'reject',
    summary: 'take waiting actions off the list',
    group: SCANS,
    load: () => import('./commands/approvals.ts'),
  },
  {
    name: 'ledger',
    summary: 'show or verify the ledger of a job',
    group: SCANS,
    load: () => import('./commands/ledger.ts'),
  },
  {
    name: 'config',
    summary: 'check the settings, show where each comes from, or print the schema for editors',
    group: STORAGE,
    load: () => import('./commands/config.ts'),
  },
  { name: 'up', summary: 'start the stack and keep it running', group: STACK, load: () => import('./commands/up.ts') },
  { name: 'down', summary: 'stop the stack; its state stays', group: STACK, load: () => import('./commands/down.ts') },
  {
    name: 'status',
    summary: 'say what is up, where, since when, and what is wrong',
    group: STACK,
    load: () => import('./commands/status.ts'),
  },
  {
    name: 'scanner',
    summary: 'run the stand-in scanner alone',
    group: STACK,
    load: () => import('./commands/scanner.ts'),
  },
  {
    name: 'key',
    summary: 'make, list and end keys of the API',
    group: ACCESS,
    load: () => import('./commands/key.ts'),
  },
  { name: 'audit', summary: 'list who changed what', group: ACCESS, load: () => import('./commands/audit.ts') },
  { name: 'test', summary: 'run the checks and the tests', group: WORK, load: () => import('./commands/test.ts') },
  {
    name: 'chaos',
    summary: 'prove the account while everything is killed, frozen and cut off',
    group: WORK,
    load: () => import('./commands/chaos.ts'),
  },
  { name: 'bench', summary: 'run a benchmark', group: WORK, load: () => import('./commands/bench.ts') },
];
