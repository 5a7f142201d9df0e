/**
 * Hosts that vendors serve their storages, queues and logins under, each whole: nobody else can have a name that fits. Where customers choose
 * a part of a name (load balancers, machines), it is not among these.
 */
const REGION = '[a-z]{2}(?:-[a-z]+)+-\\d';
const VENDORS: readonly RegExp[] = [
  // S3: also of a bucket, dual stack, accelerated, FIPS.
  new RegExp(
    `^(?:[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]\\.)?s3(?:-fips|-accelerate)?(?:[.-](?:dualstack|${REGION}))*\\.amazonaws\\.com(?:\\.cn)?$`,
  ),
  new RegExp(`^(?:sqs(?:-fips)?\\.${REGION}|${REGION}\\.queue|queue)\\.amazonaws\\.com(?:\\.cn)?$`),
  /^[a-z0-9]{3,24}(?:-secondary)?\.(?:blob|queue|dfs)\.core\.(?:windows\.net|chinacloudapi\.cn|usgovcloudapi\.net)$/,
  /^login\.(?:microsoftonline\.com|microsoftonline\.us|chinacloudapi\.cn|partner\.microsoftonline\.cn)$/,
  /^(?:graph\.microsoft\.(?:com|us)|dod-graph\.microsoft\.us|microsoftgraph\.chinacloudapi\.cn)$/,
  /^(?:[a-z0-9-]+\.)*googleapis\.com$/,
];
/** What an account's host ends with, as the field `endpointSuffix` of Azure names it. */
const SUFFIXES = new Set(['core.windows.net', 'core.chinacloudapi.cn', 'core.usgovcloudapi.net']);

/** Whether a host, in lower case, is one of a vendor's own. */
export function isVendorHost(host: string): boolean {
  return SUFFIXES.has(host) || VENDORS.some((vendor) => vendor.test(host));
}
