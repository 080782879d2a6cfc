import { Router } from 'express'
import { z } from 'zod'
import { instanceIdInMarker } from '../core/simulator.ts'
import type { Deployments } from './deployments.ts'
import type { InstanceHost } from './hosts/host.ts'
import { changed, type Settings, SettingsChange } from './settings.ts'
import type { RailwayState } from './state.ts'

interface Parts {
  state: RailwayState
  running: Deployments
  host: InstanceHost
  settings: () => Settings
  configure: (settings: Settings) => void
}

const Migration = z.strictObject({ instanceId: z.string().min(1) })

/** What no client can ask of Railway: its limits, how quick its instances are, and what it does by itself. */
export function controlRoutes({ state, running, host, settings, configure }: Parts): Router {
  const router = Router()

  router.get('/settings', (_req, res) => {
    res.json(settings())
  })
  router.patch('/settings', (req, res) => {
    const change = SettingsChange.parse(req.body)
    if (host.name === 'process' && (change.bootMs !== undefined || change.answerMs !== undefined)) {
      res.status(400).json({ error: 'only the virtual host has latencies to set: processes take the time they take' })
      return
    }
    configure(changed(settings(), change))
    res.json(settings())
  })

  /** Railway moves an instance to another machine: a new deployment that nobody asked for. */
  router.post('/migrate', (req, res) => {
    const { instanceId } = Migration.parse(req.body)
    const project = state.projects.find((p) => p.deletedAt === null && instanceIdInMarker(p.description) === instanceId)
    const service = state.services.find((s) => s.projectId === project?.id && state.deployments.some((d) => d.serviceId === s.id))
    if (service) res.status(201).json({ deploymentId: running.deploy(service, 'migrate').id })
    else res.status(404).json({ error: `nothing is deployed for instance ${instanceId}` })
  })
  return router
}
