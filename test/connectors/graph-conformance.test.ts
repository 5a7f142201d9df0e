import { connectorConformance } from './conformance.ts';
import { graphStore, PAGE_SIZE, WITHOUT } from './graph-store.ts';
import { httpConformance } from './http-conformance.ts';

const shared = {
  anyBytes: false,
  without: WITHOUT,
  actions: ['delete', 'move'],
  ordered: false,
  versionsListed: false,
} as const;

connectorConformance({ ...shared, name: 'sharepoint', make: () => graphStore() });
httpConformance({
  ...shared,
  name: 'sharepoint',
  make: () => graphStore(),
  pageSize: PAGE_SIZE,
  // The site, its libraries, and the folder.
  requestsBefore: 3,
  longestName: 255,
});
connectorConformance({ ...shared, name: 'onedrive', make: () => graphStore('onedrive'), actionsOnly: true });
