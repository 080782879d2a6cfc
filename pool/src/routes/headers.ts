import { Router } from 'express'

/** On every answer: nothing is sniffed, nothing tells where a link was followed from, and no API answer is stored. */
export const headers = () =>
  Router().use((req, res, next) => {
    res.set({ 'X-Content-Type-Options': 'nosniff', 'Referrer-Policy': 'no-referrer' })
    if (req.path.startsWith('/api/')) res.set('Cache-Control', 'no-store')
    next()
  })
