/** Why there is no answer, in words for those who wait for one. `status`: what the model's provider answered; null: nothing, or not known. */
export function apology(status: number | null): string {
  if (status === 402) return "I'm sorry, I can't answer: the account that pays for my model has no credit left."
  if (status === 403) return "I'm sorry, I can't answer: I have used up the model budget I was given."
  if (status === 404) return "I'm sorry, I can't answer: the model I was told to use is not one that I can reach."
  if (status === 429) return "I'm sorry, my model is too busy right now. Please ask me again in a minute."
  return "I'm sorry, I could not come up with an answer: my model did not respond as it should. Please ask me again."
}
