/** The product's mark and name. */
export const Brand = () => (
  <span className="brand">
    <svg viewBox="0 0 16 16" aria-hidden="true">
      <rect className="brand-box" x="1" y="1" width="14" height="14" rx="3" />
      <path className="brand-half" d="M8 3.5h3a1.5 1.5 0 0 1 1.5 1.5v6a1.5 1.5 0 0 1-1.5 1.5H8z" />
    </svg>
    <span className="brand-name">Convos Agents</span>
  </span>
)
