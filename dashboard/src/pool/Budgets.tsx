import type { Provider } from '@convos/pool/contract'
import { useQuery } from '@tanstack/react-query'
import { Problem } from '../ui/Problem.tsx'
import { Skeleton } from '../ui/Skeleton.tsx'
import { useTicking } from '../ui/ticking.ts'
import { providersQuery } from './queries.ts'
import { type Budget, budgetOf, providerName } from './words.ts'

const usd = new Intl.NumberFormat(undefined, { style: 'currency', currency: 'USD' })

/** What may still be asked of each provider, and how it is. */
export function Budgets() {
  const { data, error } = useQuery(providersQuery)
  return (
    <section className="panel stack" aria-label="Providers">
      <h2 className="panel-title">Providers</h2>
      {error && <Problem error={error} />}
      {!data && !error && [0, 1, 2, 3].map((line) => <Skeleton key={line} className="w-full" />)}
      {data && (
        <ul className="budgets">
          {data.providers.map((provider) => (
            <BudgetLine key={provider.provider} provider={provider} />
          ))}
        </ul>
      )}
    </section>
  )
}

const MARKS: Record<Budget['level'], string> = { fine: '', warn: '■ ', bad: '▲ ' }

function BudgetLine({ provider }: { provider: Provider }) {
  // the sentence is what changes with the clock
  const said = useTicking((now) => JSON.stringify(budgetOf(provider, now)))
  const { text, share, level, trouble } = JSON.parse(said) as Budget
  const name = providerName(provider.provider)
  return (
    <li className={`budget budget-${level}`}>
      <p>
        <b>{name}</b> {text}
        {provider.creditRemaining !== null && `, ${usd.format(provider.creditRemaining)} left on our account`}
      </p>
      {share !== null && <meter aria-label={`${name} budget`} min={0} max={1} value={share} aria-valuetext={text} />}
      {trouble !== null && (
        <p className="budget-trouble">
          <span aria-hidden="true">{MARKS[level]}</span>
          {trouble}
        </p>
      )}
    </li>
  )
}
