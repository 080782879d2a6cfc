import { Link } from '@tanstack/react-router'

/** Says that there is nothing to see here, and leads to where there is. */
export const Elsewhere = ({ what, todo }: { what: string; todo: string }) => (
  <div className="column stack">
    <h1>{what}</h1>
    <p>
      {todo} <Link to="/">Claim an agent</Link>
    </p>
  </div>
)
