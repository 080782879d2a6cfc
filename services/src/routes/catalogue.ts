import { Router } from 'express'
import type { z } from 'zod'
import type { Context } from '../context.ts'
import type { ImageReply, RegistryReply } from '../contract/index.ts'
import { type ResolvedImage, resolveImage, wantedImage } from '../images.ts'

/** What instances can be made of: the tools there are, and the wanted image. */
export const catalogueRoutes = (ctx: Context) =>
  Router()
    .get('/registry', (_req, res) => {
      const reply: z.infer<typeof RegistryReply> = ctx.tools
        .getAll()
        .map(({ toolId, name, provisioning, available }) => ({ toolId, name, provisioning, available, userConfig: null }))
      res.json(reply)
    })

    .get('/image', async (_req, res) => {
      res.json(present(await wantedImage(ctx)))
    })

    .post('/image/resolve', async (_req, res) => {
      res.json(present(await resolveImage(ctx)))
    })

const present = ({ ref, image, digest, resolvedAt }: ResolvedImage): z.infer<typeof ImageReply> => ({
  ref,
  image,
  digest,
  resolvedAt: resolvedAt?.toISOString() ?? null,
})
