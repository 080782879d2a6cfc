import { Skeleton } from '../ui/Skeleton.tsx'

/** Where a template will stand. */
export const OpenLoading = () => (
  <div className="stack" aria-busy="true">
    <Skeleton className="w-2/3" />
    <Skeleton className="h-9 w-full" />
    <Skeleton className="h-52 w-full" />
  </div>
)
