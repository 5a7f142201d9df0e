import { tool } from './tools.ts';

export interface Service {
  readonly image?: string;
  readonly command?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly ports?: readonly { readonly target: number; readonly published: string; readonly host_ip?: string }[];
  readonly volumes?: readonly { readonly source: string; readonly target: string; readonly read_only?: boolean }[];
  readonly secrets?: readonly { readonly source: string }[];
}

/** What the compose file comes to with these variables set and every profile on. */
export async function composed(env: Record<string, string>): Promise<Record<string, Service>> {
  const { code, output } = await tool('docker-compose', ['--profile', '*', 'config', '--format', 'json'], env);
  if (code !== 0) throw new Error(output);
  return (JSON.parse(output) as { services: Record<string, Service> }).services;
}

/** The services that run our own image. */
export const OURS = ['api', 'worker', 'standin'] as const;
