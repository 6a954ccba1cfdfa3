// Starts PLC + PDS + AppView + Ozone on loopback with a moderator account, and our chat stand-in.
// What a client needs to know goes to READY_FILE as JSON once everything answers.
import { rename, writeFile } from 'node:fs/promises'
import http from 'node:http'
import net from 'node:net'

// The development network listens on every interface of the machine. Tests need loopback only.
const listenAnywhere = net.Server.prototype.listen
net.Server.prototype.listen = function (...args) {
  if (typeof args[0] === 'number' && typeof args[1] !== 'string') args.splice(1, 0, '127.0.0.1')
  else if (args[0]?.port !== undefined) args[0] = { ...args[0], host: '127.0.0.1' }
  return listenAnywhere.apply(this, args)
}

const { TestNetwork } = await import('@atproto/dev-env')
const { startChat } = await import('./chat.mjs')

const FIRST = Number(process.env.FIRST_PORT)
const CHAT_DID = 'did:web:api.bsky.chat'
const chatUrl = `http://localhost:${FIRST + 4}`

// A schema of its own for each start: what an earlier network left is never seen. Letters only.
const schema = 's' + Date.now().toString(26).replace(/[0-9]/g, (digit) => 'qrstuvwxyz'[digit])
const network = await TestNetwork.create({
  dbPostgresSchema: schema,
  plc: { port: FIRST },
  pds: {
    port: FIRST + 1,
    hostname: 'localhost',
    enableDidDocWithSession: true,
    rateLimitsEnabled: process.env.RATE_LIMITS === '1',
  },
  bsky: { port: FIRST + 2, publicUrl: `http://localhost:${FIRST + 2}` },
  ozone: { port: FIRST + 3, dbMaterializedViewRefreshIntervalMs: 2000 },
})
network.pds.ctx.mailer.transporter.sendMail = async () => ({}) // no mail leaves

const xrpc = async (base, nsid, query = {}, body = undefined) => {
  const answer = await fetch(`${base}/xrpc/${nsid}?${new URLSearchParams(query)}`, {
    method: body ? 'POST' : 'GET',
    headers: body ? { 'content-type': 'application/json' } : {},
    body: body && JSON.stringify(body),
  })
  const json = await answer.json()
  if (!answer.ok) throw new Error(`${nsid}: ${JSON.stringify(json)}`)
  return json
}

// Clients name the chat service by its production DID; our PDS finds the stand-in under it.
const resolver = network.pds.ctx.idResolver.did
const resolve = resolver.resolveNoCache.bind(resolver)
resolver.resolveNoCache = (did) =>
  did !== CHAT_DID
    ? resolve(did)
    : {
        '@context': ['https://www.w3.org/ns/did/v1'],
        id: CHAT_DID,
        service: [{ id: '#bsky_chat', type: 'BskyChatService', serviceEndpoint: chatUrl }],
      }

await startChat({
  port: FIRST + 4,
  audience: CHAT_DID,
  handleOf: async (did) =>
    (await xrpc(network.pds.url, 'com.atproto.repo.describeRepo', { repo: did })).handle,
  blocks: async (who, target) => {
    const query = { repo: who, collection: 'app.bsky.graph.block' }
    const { records } = await xrpc(network.pds.url, 'com.atproto.repo.listRecords', query)
    return records.some((record) => record.value.subject === target)
  },
})

// In production a closed service copies labels from labelers into the AppView. Here a test asks for it.
const copyLabels = async () => {
  const query = { uriPatterns: '*', limit: 250 }
  const { labels } = await xrpc(network.ozone.url, 'com.atproto.label.queryLabels', query)
  for (const { src, uri, cid = '', val, neg = false, cts } of labels)
    await network.bsky.db.db
      .insertInto('label')
      .values({ src, uri, cid, val, neg, cts })
      .onConflict((row) => row.columns(['src', 'uri', 'cid', 'val']).doUpdateSet({ neg, cts }))
      .execute()
}

// POST /flush runs every background queue; POST /moderator?did= makes an account a moderator.
const control = {
  '/flush': async () => {
    await network.processAll()
    await copyLabels()
  },
  '/moderator': async (query) => network.ozone.addAdminDid(query.get('did')),
}
http
  .createServer(async (request, response) => {
    const url = new URL(request.url, 'http://localhost')
    try {
      if (!control[url.pathname]) response.statusCode = 404
      else await control[url.pathname](url.searchParams)
      response.end('{}')
    } catch (trouble) {
      response.statusCode = 500
      response.end(String(trouble))
    }
  })
  .listen(FIRST + 5, '127.0.0.1')

await network.processAll()
const ready = {
  plc: network.plc.url,
  pds: network.pds.url,
  appview: network.bsky.url,
  ozone: network.ozone.url,
  ozoneDid: network.ozone.ctx.cfg.service.did,
  chat: chatUrl,
  control: `http://localhost:${FIRST + 5}`,
}
await writeFile(process.env.READY_FILE + '.part', JSON.stringify(ready) + '\n')
await rename(process.env.READY_FILE + '.part', process.env.READY_FILE)

process.on('SIGTERM', async () => {
  setTimeout(() => process.exit(0), 3000).unref()
  await network.close()
  process.exit(0)
})
