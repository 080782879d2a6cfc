import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto'

export interface EncryptionKey {
  id: string
  key: Buffer
}

/** Encrypts what must be readable again. `place` (`table/row/column`) is bound to the text: it opens nowhere else. */
export interface Vault {
  seal(text: string, place: string): string
  open(sealed: string, place: string): string
}

/** @param keys newest first: it seals; the others only open what they sealed. */
export function createVault(keys: readonly [EncryptionKey, ...EncryptionKey[]]): Vault {
  return {
    seal(text, place) {
      const [{ id, key }] = keys
      const nonce = randomBytes(12)
      const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.from(place))
      const sealed = Buffer.concat([cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()])
      return `v1.${id}.${nonce.toString('base64url')}.${sealed.toString('base64url')}`
    },
    open(sealed, place) {
      const [version, id, nonce, ciphertext] = sealed.split('.')
      const key = keys.find((candidate) => candidate.id === id)?.key
      if (version !== 'v1' || !nonce || !ciphertext) throw new Error(`${place} does not hold a sealed value`)
      if (!key) throw new Error(`${place} was sealed with key "${id}", which is not configured`)
      const bytes = Buffer.from(ciphertext, 'base64url')
      const decipher = createDecipheriv('aes-256-gcm', key, Buffer.from(nonce, 'base64url'), { authTagLength: 16 })
        .setAAD(Buffer.from(place))
        .setAuthTag(bytes.subarray(-16))
      return decipher.update(bytes.subarray(0, -16), undefined, 'utf8') + decipher.final('utf8')
    },
  }
}

/** A secret nobody can guess: 32 random bytes, hex. */
export const drawToken = (): string => randomBytes(32).toString('hex')

/** What is stored of a token that only ever needs to be recognised. */
export const tokenHash = (token: string): string => createHash('sha256').update(token).digest('hex')
