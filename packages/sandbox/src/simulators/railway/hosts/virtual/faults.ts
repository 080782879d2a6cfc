import { Readable } from 'node:stream'
import type { Request, Response } from 'express'
import type { FaultOf } from '../../../core/faults.ts'
import { loseAnswer, withholdAnswer } from '../../../core/withheld.ts'
import { unauthorized } from './errors.ts'
import type { VirtualInstance } from './instance.ts'

const EXIT_CODE = 1
const CHUNK = Buffer.alloc(64 * 1024, ' ')

/** What a faulty instance does in place of an answer; `goes on`: it does what it was asked, and something befalls the answer. */
export function inflict(fault: FaultOf<'instance'>, instance: VirtualInstance, req: Request, res: Response): 'over' | 'goes on' {
  const { how, to = '' } = fault.effect
  switch (how) {
    case 'drop-after':
      loseAnswer(req, res)
      return 'goes on'
    case 'hang-after':
      void withholdAnswer(res, fault)
      return 'goes on'
    case 'drop-before':
      req.socket.destroy()
      return 'over'
    case 'error-500':
      res.status(500).type('text').send('Internal Server Error')
      return 'over'
    case 'unauthorized':
      throw unauthorized()
    case 'redirect':
      res.redirect(302, to)
      return 'over'
    case 'exit':
      instance.exit(EXIT_CODE)
      req.socket.destroy()
      return 'over'
    case 'huge-body':
      res.type('json')
      Readable.from(endless()).pipe(res)
      return 'over'
    default: // it hangs, for as long as the caller waits; whatever else there is strikes no request as a whole
      return 'over'
  }
}

/** A JSON text that never comes to its end. */
function* endless(): Generator<Buffer> {
  yield Buffer.from('{')
  for (;;) yield CHUNK
}
