import { NO_ANSWER, call } from './client.ts'
import { Operation, Template, type TemplateRequest, TemplateVersions } from '@convos/pool/contract'

const at = (id: string, rest = '') => `/api/templates/${encodeURIComponent(id)}${rest}`

export const readTemplate = (id: string, signal: AbortSignal) => call(at(id), { answer: Template, signal })
export const readVersions = (id: string, signal: AbortSignal) => call(at(id, '/versions'), { answer: TemplateVersions, signal })
export const createTemplate = (body: TemplateRequest) => call('/api/templates', { answer: Template, method: 'POST', body })
/** Its next version; refused unless the present one still is `version`. */
export const updateTemplate = (id: string, version: number, body: TemplateRequest) =>
  call(at(id), { answer: Template, method: 'PUT', body: { ...body, version } })
export const deleteTemplate = (id: string) => call(at(id), { answer: NO_ANSWER, method: 'DELETE' })
export const syncTemplate = (id: string) => call(at(id, '/sync'), { answer: Operation, method: 'POST' })
