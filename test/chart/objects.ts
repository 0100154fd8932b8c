import { z } from 'zod';
import type { Manifest } from './helm.ts';

/** A rule of a Role or ClusterRole. */
export interface Rule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly resourceNames?: readonly string[] | undefined;
  readonly verbs: readonly string[];
}

/** A container as far as tests look into it. */
export type Container = z.output<typeof container>;

const container = z.looseObject({
  name: z.string(),
  image: z.string(),
  args: z.array(z.string()),
  ports: z.array(z.looseObject({ name: z.string(), containerPort: z.int() })),
  env: z.array(z.looseObject({ name: z.string() })),
});
const podSpec = z.looseObject({ containers: z.array(container) });
const deployment = z.looseObject({
  spec: z.looseObject({
    replicas: z.int().optional(),
    template: z.looseObject({
      metadata: z.looseObject({ annotations: z.record(z.string(), z.string()) }),
      spec: podSpec,
    }),
  }),
});
const role = z.looseObject({
  rules: z.array(
    z.strictObject({
      apiGroups: z.array(z.string()),
      resources: z.array(z.string()),
      resourceNames: z.array(z.string()).optional(),
      verbs: z.array(z.string()),
    }),
  ),
});

/** The Deployment's specification. @throws ZodError where it is none. */
export function deploymentSpec(object: Manifest): z.output<typeof deployment>['spec'] {
  return deployment.parse(object).spec;
}

/** The operator's container. @throws Error where there is none. */
export function operatorContainer(object: Manifest): Container {
  const found = deploymentSpec(object).template.spec.containers.find(({ name }) => name === 'operator');
  if (found === undefined) throw new Error('the Deployment has no container named operator');
  return found;
}

/** The rules of a Role or ClusterRole. @throws ZodError where it is none. */
export function rulesOf(object: Manifest): readonly Rule[] {
  return role.parse(object).rules;
}

/** One line a right: `verb group/resource`, with the names where it is limited to some. */
export function rightsOf(objects: readonly Manifest[]): readonly string[] {
  return objects
    .flatMap(rulesOf)
    .flatMap(({ apiGroups, resources, resourceNames, verbs }) =>
      apiGroups.flatMap((group) =>
        resources.flatMap((resource) =>
          verbs.map(
            (verb) => `${verb} ${group}/${resource}${resourceNames === undefined ? '' : ` ${resourceNames.join()}`}`,
          ),
        ),
      ),
    )
    .toSorted();
}
