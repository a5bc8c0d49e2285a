import { z } from 'zod';

/**
 * The fields of Cloud Run's services and worker pools that the manifests use, and no others: no package carries a schema
 * of them. Annotations are strings, and so are their numbers.
 */
const quantity = z.string().regex(/^\d+(\.\d+)?(m|Ki|Mi|Gi)?$/);
const whole = z.string().regex(/^\d+$/);

const variable = z.union([
  z.strictObject({ name: z.string(), value: z.string() }),
  z.strictObject({
    name: z.string(),
    valueFrom: z.strictObject({ secretKeyRef: z.strictObject({ name: z.string(), key: z.string() }) }),
  }),
]);

const probe = z.strictObject({
  httpGet: z.strictObject({ path: z.string().startsWith('/'), port: z.int() }),
  periodSeconds: z.int().min(1).max(240),
  failureThreshold: z.int().min(1).exactOptional(),
});

const worker = z.strictObject({
  image: z.string(),
  args: z.array(z.string()),
  env: z.array(variable),
  resources: z.strictObject({ limits: z.strictObject({ cpu: quantity, memory: quantity }) }),
});

const server = worker.extend({
  ports: z.array(z.strictObject({ name: z.enum(['http1', 'h2c']), containerPort: z.int() })).length(1),
  startupProbe: probe,
  livenessProbe: probe,
});

const account = z.string().regex(/^[\w-]+@[\w-]+\.iam\.gserviceaccount\.com$/);

export const cloudRun = z.discriminatedUnion('kind', [
  z.strictObject({
    apiVersion: z.literal('serving.knative.dev/v1'),
    kind: z.literal('Service'),
    metadata: z.strictObject({
      name: z.string(),
      annotations: z.strictObject({
        'run.googleapis.com/ingress': z.enum(['all', 'internal', 'internal-and-cloud-load-balancing']),
      }),
    }),
    spec: z.strictObject({
      template: z.strictObject({
        metadata: z.strictObject({
          annotations: z.strictObject({
            'autoscaling.knative.dev/minScale': whole,
            'autoscaling.knative.dev/maxScale': whole,
            'run.googleapis.com/cpu-throttling': z.enum(['true', 'false']),
          }),
        }),
        spec: z.strictObject({
          serviceAccountName: account,
          containerConcurrency: z.int().min(1).max(1000),
          timeoutSeconds: z.int().min(1).max(3600),
          containers: z.array(server).length(1),
        }),
      }),
    }),
  }),
  z.strictObject({
    apiVersion: z.literal('run.googleapis.com/v1'),
    kind: z.literal('WorkerPool'),
    metadata: z.strictObject({
      name: z.string(),
      annotations: z.strictObject({
        'run.googleapis.com/scalingMode': z.literal('manual'),
        'run.googleapis.com/manualInstanceCount': whole,
      }),
    }),
    spec: z.strictObject({
      template: z.strictObject({
        spec: z.strictObject({ serviceAccountName: account, containers: z.array(worker).length(1) }),
      }),
    }),
  }),
]);
