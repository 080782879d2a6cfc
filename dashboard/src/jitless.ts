import { config } from 'zod'

// zod compiles its parsers with `new Function`, which the content security policy forbids.
// A schema decides this when it is made, so index.html runs this module before main.
config({ jitless: true })
