import { Outlet } from '@tanstack/react-router'
import { useSession } from '../session/session.ts'
import { Elsewhere } from './Elsewhere.tsx'

/** Pages that claimers may not see, and are told so. */
export const OperatorsOnly = () =>
  useSession().role === 'operator' ? (
    <Outlet />
  ) : (
    <Elsewhere what="This page is for operators." todo="Your key can claim agents." />
  )
