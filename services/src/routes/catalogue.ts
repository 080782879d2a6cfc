import { type Endpoint, endpoint } from '@convos/kit'
import { z } from 'zod'
import type { Context } from '../context.ts'
import { ImageReply, RegistryReply } from '../contract/index.ts'
import { type ResolvedImage, resolveImage, wantedImage } from '../images.ts'

/** What instances can be made of: the tools there are, and the wanted image. */
export const catalogueRoutes = (ctx: Context): Endpoint<'pool'>[] => [
  endpoint({
    method: 'get',
    path: '/registry',
    operationId: 'listTools',
    summary: 'The tools there are',
    auth: 'pool',
    replies: { 200: RegistryReply },
    handle: () => ({
      status: 200,
      body: ctx.tools.getAll().map(({ toolId, name, provisioning, available, userConfig }) => ({
        toolId,
        name,
        provisioning,
        available,
        userConfig: userConfig ? jsonSchemaOf(userConfig.schema) : null,
      })),
    }),
  }),
  endpoint({
    method: 'get',
    path: '/image',
    operationId: 'getImage',
    summary: 'The wanted image: what its tag was last seen to mean',
    auth: 'pool',
    replies: { 200: ImageReply },
    handle: async () => ({ status: 200, body: present(await wantedImage(ctx)) }),
  }),
  endpoint({
    method: 'post',
    path: '/image/resolve',
    operationId: 'resolveImage',
    summary: 'Ask the registry now what the tag means',
    auth: 'pool',
    replies: { 200: ImageReply },
    handle: async () => ({ status: 200, body: present(await resolveImage(ctx)) }),
  }),
]

function jsonSchemaOf(schema: z.ZodType): Record<string, unknown> {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io: 'input' })
  return rest
}

const present = ({ ref, image, digest, resolvedAt }: ResolvedImage) => ({
  ref,
  image,
  digest,
  resolvedAt: resolvedAt?.toISOString() ?? null,
})
