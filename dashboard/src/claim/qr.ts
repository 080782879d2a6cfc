import { lazy } from 'react'

const load = () => import('../ui/QrCode.tsx')

/** Makes it ready before there is a link to show. */
export const loadQrCode = (): void => void load()

export const QrCode = lazy(() => load().then((module) => ({ default: module.QrCode })))
