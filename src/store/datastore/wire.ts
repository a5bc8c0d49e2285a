/**
 * What of the wire API is used here, as the client library's plain objects have it: 64-bit numbers are strings, and a
 * value that was read says in `valueType` which of its fields is set.
 */
export interface WireKey {
  readonly partitionId?: Partial<WirePartition> | null;
  readonly path: readonly WireStep[];
}

export interface WirePartition {
  readonly projectId: string;
  readonly databaseId: string;
  readonly namespaceId: string;
}

export interface WireStep {
  readonly kind: string;
  readonly id?: string;
  readonly name?: string;
}

export type WireProperties = Readonly<Record<string, WireValue>>;

export interface WireValue {
  readonly valueType?: string;
  readonly meaning?: number;
  readonly excludeFromIndexes?: boolean;
  readonly nullValue?: 'NULL_VALUE';
  readonly booleanValue?: boolean;
  readonly integerValue?: string;
  readonly doubleValue?: number;
  readonly stringValue?: string;
  readonly blobValue?: Uint8Array;
  readonly timestampValue?: { readonly seconds: string; readonly nanos: number };
  readonly keyValue?: WireKey;
  readonly geoPointValue?: { readonly latitude: number; readonly longitude: number };
  readonly entityValue?: { readonly key?: WireKey | null; readonly properties: WireProperties };
  readonly arrayValue?: { readonly values: readonly WireValue[] };
}

export interface WireEntity {
  readonly key: WireKey;
  readonly properties: WireProperties;
}

export interface WireResult {
  readonly entity: WireEntity;
  readonly version: string;
}

export interface WireMutation {
  readonly insert?: WireEntity;
  readonly upsert?: WireEntity;
  readonly delete?: WireKey;
  readonly baseVersion?: string;
  readonly conflictResolutionStrategy?: 'FAIL';
}

export interface WireMutationResult {
  readonly version: string;
  readonly conflictDetected: boolean;
}

export interface LookupRequest {
  readonly keys: readonly WireKey[];
  readonly readOptions?:
    | { readonly newTransaction: { readonly readOnly: object } }
    | { readonly transaction: Uint8Array };
}

export interface LookupResponse {
  readonly found: readonly WireResult[];
  readonly deferred: readonly WireKey[];
  readonly transaction: Uint8Array;
}

export interface WireFilter {
  readonly propertyFilter?: {
    readonly property: { readonly name: string };
    readonly op:
      | 'EQUAL'
      | 'GREATER_THAN'
      | 'GREATER_THAN_OR_EQUAL'
      | 'LESS_THAN'
      | 'LESS_THAN_OR_EQUAL'
      | 'HAS_ANCESTOR';
    readonly value: WireValue;
  };
  readonly compositeFilter?: { readonly op: 'AND'; readonly filters: readonly WireFilter[] };
}

export interface WireQuery {
  readonly kind: readonly [{ readonly name: string }];
  readonly filter?: WireFilter;
  readonly order: readonly [{ readonly property: { readonly name: string }; readonly direction: 'ASCENDING' }];
  readonly projection?: readonly [{ readonly property: { readonly name: string } }];
  readonly startCursor?: Uint8Array;
  readonly limit?: { readonly value: number };
}

export interface QueryRequest {
  readonly readOptions?: { readonly transaction: Uint8Array };
  readonly partitionId: WirePartition;
  readonly query: WireQuery;
}

export interface QueryBatch {
  readonly entityResults: readonly WireResult[];
  readonly endCursor: Uint8Array;
  readonly moreResults: string;
}

export type CommitRequest = { readonly mutations: readonly WireMutation[] } & (
  | { readonly mode: 'NON_TRANSACTIONAL' }
  | { readonly mode: 'TRANSACTIONAL'; readonly singleUseTransaction: { readonly readWrite: object } }
);
