import { encode } from 'uqr'

const QUIET_ZONE = 4

/** The dark modules as one path of horizontal runs. */
function modulesPath(rows: boolean[][]): string {
  let path = ''
  for (const [y, row] of rows.entries()) {
    for (let x = 0; x < row.length; x++) {
      if (!row[x]) continue
      const from = x
      while (row[x + 1]) x++
      path += `M${from} ${y}h${x - from + 1}v1H${from}z`
    }
  }
  return path
}

/** Codes end at about 2 KB with this correction; longer texts have none. */
function encodeOrNull(text: string) {
  try {
    return encode(text, { ecc: 'M', border: QUIET_ZONE })
  } catch {
    return null
  }
}

/** A QR code, dark on white in every theme: cameras want it so. */
export function QrCode({ text, label }: { text: string; label: string }) {
  const code = encodeOrNull(text)
  if (!code) return <p className="hint">The link is too long for a QR code.</p>
  return (
    <svg className="qr" viewBox={`0 0 ${code.size} ${code.size}`} role="img" aria-label={label} shapeRendering="crispEdges">
      <rect className="qr-paper" width={code.size} height={code.size} />
      <path className="qr-ink" d={modulesPath(code.data)} />
    </svg>
  )
}
