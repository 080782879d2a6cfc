import { useState } from 'react'
import { Button } from '../ui/Button.tsx'
import { CopyButton } from '../ui/CopyButton.tsx'
import { webUrl } from '../ui/format.ts'

const MASK = '•'.repeat(16)

/** Where the agent's own gateway is, for those who work on agents; the token stays masked until asked for. */
export function GatewayDetails({ url, token }: { url: string; token: string | null }) {
  const [shown, setShown] = useState(false)
  const address = webUrl(url)
  return (
    <details className="disclosure">
      <summary>Show gateway details</summary>
      <dl className="facts">
        <dt>Gateway</dt>
        <dd>
          {address ? (
            <a href={address.href} target="_blank" rel="noreferrer">
              {url}
            </a>
          ) : (
            url
          )}
        </dd>
        {token !== null && (
          <>
            <dt>Token</dt>
            <dd>
              <code>{shown ? token : MASK}</code>
              <span className="act">
                <Button className="compact" onClick={() => setShown(!shown)}>
                  {shown ? 'Hide token' : 'Show token'}
                </Button>
                <CopyButton className="compact" label="Copy token" text={token} />
              </span>
            </dd>
          </>
        )}
      </dl>
    </details>
  )
}
