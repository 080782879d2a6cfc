import type { Image } from '@convos/pool/contract'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { resetBreaker } from '../api/supply.ts'
import { Button } from '../ui/Button.tsx'
import { formatNumber, plural } from '../ui/format.ts'
import { Problem } from '../ui/Problem.tsx'
import { Skeleton } from '../ui/Skeleton.tsx'
import { useTicking } from '../ui/ticking.ts'
import { imagesQuery } from './queries.ts'
import { imageName, imageWords } from './words.ts'

/** The images that matter now: the wanted one, those in use, and those that keep failing. */
export function ImageList() {
  const { data, error } = useQuery(imagesQuery)
  if (error && !data) return <Problem error={error} />
  if (!data) return <Skeleton className="w-full" />
  const shown = data.images.filter(({ wanted, instances, breaker }) => wanted || instances > 0 || breaker !== 'closed')
  if (shown.length === 0) return <p className="hint">No image is known yet.</p>
  return (
    <ul className="images">
      {shown.map((image) => (
        <ImageLine key={image.image} image={image} />
      ))}
    </ul>
  )
}

function ImageLine({ image }: { image: Image }) {
  const client = useQueryClient()
  const words = useTicking((now) => imageWords(image, now))
  const reset = useMutation({
    mutationFn: () => resetBreaker(image.digest ?? image.image),
    onSuccess: (images) => {
      client.setQueryData(imagesQuery.queryKey, images)
      return client.invalidateQueries({ queryKey: ['pool'] })
    },
  })
  const isShut = image.breaker !== 'closed'
  return (
    <li className={isShut ? 'image image-bad' : 'image'}>
      <p className="image-name">
        <code title={image.image}>{imageName(image.image)}</code>
        {image.wanted && <span className="wanted">wanted</span>}
        <span className="image-state">
          {isShut && <span aria-hidden="true">▲ </span>}
          {words}
        </span>
      </p>
      <p className="muted">
        {plural(image.instances, 'instance')}, {formatNumber(image.ready)} ready
      </p>
      {isShut && (
        <Button
          className="compact"
          aria-label={`Reset the breaker of ${imageName(image.image)}`}
          busy={reset.isPending}
          onClick={() => reset.mutate()}
        >
          Reset breaker
        </Button>
      )}
      {reset.error && <Problem error={reset.error} isAct />}
    </li>
  )
}
