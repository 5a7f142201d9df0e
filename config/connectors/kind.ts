import type { z } from 'zod';
import type { KindSettings } from './settings.ts';
import type { VendorService } from './vendor-hosts.ts';

/** What the configuration of one kind of connector is: its fields beside the common ones, and their old names. */
export interface Kind {
  /** Schemas by field; `asset` and `quarantine` among them. */
  readonly shape: Readonly<Record<string, z.ZodType>>;
  /** Fields that hold a secret, which only the workers of the connector's site need to be given. */
  readonly secrets: readonly string[];
  /** Fields that name a file or a profile of the worker's host. */
  readonly local?: readonly string[];
  /** Fields that hold the address of something that is asked, each with the vendor's service that it is meant for. */
  readonly addresses?: Readonly<Record<string, VendorService>>;
  /** Names of the former connector's settings, each to the field that it sets here. */
  readonly aliases: Readonly<Record<string, string>>;
  /** Names of the former connector's settings that set nothing here, each with the reason, as a clause. */
  readonly retired: Readonly<Record<string, string>>;
  /** Rules between fields. */
  readonly refine?: (fields: Fields, refuse: (field: string, message: string) => void) => void;
  /** The settings, from fields that were checked. */
  readonly build: (fields: Fields) => KindSettings;
}

export type Fields = Readonly<Record<string, unknown>>;
