const HOUR_MS = 3_600_000

/** The few controls of the simulated providers that a load test needs. */
export function controls(controlUrl: string) {
  const call = async (method: string, path: string, body?: unknown) => {
    const res = await fetch(`${controlUrl}/_control/${path}`, {
      method,
      ...(body === undefined ? {} : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
    })
    if (!res.ok) throw new Error(`${method} ${path} answered ${res.status}: ${await res.text()}`)
  }
  return {
    /** How long an instance works on becoming somebody's agent. */
    setProvisionMs: (provision: number) => call('PATCH', 'railway/settings', { answerMs: { provision } }),
    /** Railway refuses new projects from now on, as it does for half a minute after each; services asks again. */
    holdCreations: () => call('PATCH', 'railway/settings', { projectIntervalMs: HOUR_MS }),
    releaseCreations: () => call('PATCH', 'railway/settings', { projectIntervalMs: 0 }),
    makeUnhealthy: (instanceId: string) =>
      call('POST', 'faults', { provider: 'railway', match: { instanceId }, effect: { kind: 'instance', how: 'unhealthy' } }),
    clearFaults: () => call('DELETE', 'faults'),
  }
}

export type Controls = ReturnType<typeof controls>
