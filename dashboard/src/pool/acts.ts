import type { Operation, SettingsPatch } from '@convos/pool/contract'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { operationQuery, operationsQuery, statusQuery } from '../api/queries.ts'
import { changeSettings } from '../api/supply.ts'
import { settingsQuery } from './queries.ts'

/** Puts work that was just begun among the rest, so that it shows before the stream tells of it. */
export function useBegun(): (operation: Operation) => void {
  const client = useQueryClient()
  return (operation) => {
    client.setQueryData(operationQuery(operation).queryKey, operation)
    client.setQueryData(operationsQuery.queryKey, (list) =>
      // what the stream told meanwhile is newer
      list && !list.operations.some(({ id }) => id === operation.id) ? { operations: [operation, ...list.operations] } : list,
    )
    void client.invalidateQueries({ queryKey: operationsQuery.queryKey })
  }
}

/** Changes settings, and shows what holds then. */
export function useChangeSettings() {
  const client = useQueryClient()
  return useMutation({
    mutationFn: (change: SettingsPatch) => changeSettings(change),
    onSuccess: (settings) => {
      client.setQueryData(settingsQuery.queryKey, settings)
      client.setQueryData(statusQuery.queryKey, (status) => status && { ...status, target: settings.minIdle })
      // what holds the refill back follows from them
      return client.invalidateQueries({ queryKey: ['pool'] })
    },
  })
}
