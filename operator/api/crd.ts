/**
 * The CustomResourceDefinition, made from the schema and the rules. Pure. What JSON schema of zod and the
 * API server's structural schemas disagree about is settled here: unknown fields are pruned instead of
 * refused, defaults of objects are written out in full (a bare `{}` under a CEL rule is refused), bounds
 * that only mean "a whole number of JavaScript" are dropped.
 */
import * as z from 'zod';
import { apiGroup, gatewayKindName, specSchema, statusSchema } from './ftp-gateway.ts';
import { nameRule, passivePortsTransition, specRules } from './rules.ts';

interface SchemaNode {
  [word: string]: unknown;
  type?: string;
  properties?: Record<string, SchemaNode>;
  items?: SchemaNode;
  default?: unknown;
}

const plural = 'ftpgateways';

/** The whole definition, ready to be written down. */
export function ftpGatewayDefinition(): object {
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.${apiGroup}` },
    spec: {
      group: apiGroup,
      scope: 'Namespaced',
      names: {
        kind: gatewayKindName,
        listKind: `${gatewayKindName}List`,
        plural,
        singular: 'ftpgateway',
        shortNames: ['ftpgw'],
        categories: ['cosftp'],
      },
      versions: [
        {
          name: 'v1alpha1',
          served: true,
          storage: true,
          subresources: {
            status: {},
            scale: {
              specReplicasPath: '.spec.replicas',
              statusReplicasPath: '.status.replicas',
              labelSelectorPath: '.status.selector',
            },
          },
          additionalPrinterColumns: printerColumns,
          schema: { openAPIV3Schema: rootSchema() },
        },
      ],
    },
  };
}

const printerColumns = [
  { name: 'Address', type: 'string', jsonPath: '.status.address' },
  { name: 'Replicas', type: 'integer', jsonPath: '.spec.replicas' },
  { name: 'Ready', type: 'string', jsonPath: ".status.conditions[?(@.type=='Ready')].status" },
  {
    name: 'Reason',
    type: 'string',
    priority: 1,
    jsonPath: ".status.conditions[?(@.type=='Ready')].message",
  },
  { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
];

function rootSchema(): SchemaNode {
  const spec = structural(specSchema);
  const passivePorts = spec.properties?.['passivePorts'] ?? {};
  passivePorts['x-kubernetes-validations'] = [
    { rule: passivePortsTransition.cel, message: passivePortsTransition.message },
  ];
  spec['x-kubernetes-validations'] = specRules.map(({ cel, message, fieldPath }) => {
    return { rule: cel, message, fieldPath };
  });
  return {
    type: 'object',
    description: 'An FTP gateway that stores into Tencent Cloud COS.',
    required: ['spec'],
    properties: {
      apiVersion: { type: 'string' },
      kind: { type: 'string' },
      metadata: { type: 'object' },
      spec,
      status: structural(statusSchema),
    },
    'x-kubernetes-validations': [{ rule: nameRule.cel, message: nameRule.message }],
  };
}

function structural(schema: z.ZodType): SchemaNode {
  const plain = z.toJSONSchema(schema, {
    target: 'openapi-3.0',
    io: 'input',
    reused: 'inline',
    unrepresentable: 'throw',
  });
  return adapt(plain as SchemaNode);
}

const safeInteger = Number.MAX_SAFE_INTEGER;

function adapt(node: SchemaNode): SchemaNode {
  const adapted: SchemaNode = { ...node };
  delete adapted['$schema'];
  delete adapted['propertyNames'];
  if (adapted['additionalProperties'] === false) delete adapted['additionalProperties'];
  if (adapted['minimum'] === -safeInteger) delete adapted['minimum'];
  if (adapted['maximum'] === safeInteger) delete adapted['maximum'];
  if (adapted.type === 'integer') adapted['format'] = 'int64';
  if (adapted.items) adapted.items = adapt(adapted.items);
  if (adapted.properties) adapted.properties = mapValues(adapted.properties, adapt);
  if (Object.keys(adapted.properties ?? {}).length === 0) delete adapted.properties;
  if (adapted.properties && adapted.default !== undefined) {
    adapted.default = { ...defaultsOf(adapted.properties), ...(adapted.default as object) };
  }
  return adapted;
}

function defaultsOf(properties: Record<string, SchemaNode>): object {
  const withDefault = Object.entries(properties).filter(([, node]) => node.default !== undefined);
  return Object.fromEntries(withDefault.map(([name, node]) => [name, node.default]));
}

function mapValues<T, U>(record: Record<string, T>, change: (value: T) => U): Record<string, U> {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [name, change(value)]));
}
