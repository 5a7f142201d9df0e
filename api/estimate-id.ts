import { randomBytes } from 'node:crypto';

const ESTIMATE = /^estimate-[0-9a-f]{24}$/;

export function newEstimateId(): string {
  return `estimate-${randomBytes(12).toString('hex')}`;
}

export function isEstimateId(text: string): boolean {
  return ESTIMATE.test(text);
}
