// A stand-in for Bluesky's chat service, which has no open source: the chat.bsky.convo methods that a
// desktop client needs. Inputs and outputs are checked by @atproto/xrpc-server against the official
// lexicons, so a client that works here speaks the real format. Requests reach it through the real
// PDS, which mints the service token; its issuer, audience, method and age are checked, its signature
// is not.
import { schemas } from '@atproto/api'
import { createServer, XRPCError } from '@atproto/xrpc-server'
import express from 'express'

const DEFS = 'chat.bsky.convo.defs#'
const ALPHABET = '234567abcdefghijklmnopqrstuvwxyz'
let lastTid = 0n
const tid = () => {
  let n = (BigInt(Date.now()) * 1000n) << 10n
  if (n <= lastTid) n = lastTid + 1n
  lastTid = n
  let text = ''
  for (let i = 0; i < 13; i++, n >>= 5n) text = ALPHABET[Number(n & 31n)] + text
  return text
}
const refuse = (code, message = code) => {
  throw new XRPCError(400, message, code)
}

export function startChat({ port, audience, handleOf, blocks }) {
  const convos = new Map() // id -> {id, key, rev, members, messages, of: {did: {status, read, ...}}}
  const logs = []

  const log = (convo, to, type, extra = {}) =>
    logs.push({ to, event: { $type: DEFS + type, rev: tid(), convoId: convo.id, ...extra } })
  const messageView = (convo, { id, rev, sender, sentAt, text, facets }, did) =>
    convo.of[did].deleted.has(id)
      ? { $type: DEFS + 'deletedMessageView', id, rev, sender, sentAt }
      : { $type: DEFS + 'messageView', id, rev, sender, sentAt, text, ...(facets && { facets }) }
  const convoView = async (convo, did) => {
    const mine = convo.of[did]
    const last = convo.messages.at(-1)
    const unread = convo.messages.filter((m) => m.sender.did !== did && m.rev > mine.read)
    return {
      id: convo.id,
      rev: convo.rev,
      members: await Promise.all(
        convo.members.map(async (member) => ({ did: member, handle: await handleOf(member) })),
      ),
      muted: mine.muted,
      status: mine.status,
      kind: { $type: DEFS + 'directConvo' },
      unreadCount: unread.length,
      ...(last && { lastMessage: messageView(convo, last, did) }),
    }
  }
  const ownConvo = (id, did) => {
    const convo = convos.get(id)
    if (!convo?.members.includes(did) || convo.of[did].left) refuse('InvalidConvo')
    return convo
  }
  const auth = ({ req }) => {
    const token = (req.headers.authorization ?? '').replace(/^Bearer /, '')
    if (!token) throw new XRPCError(401, 'Auth required', 'AuthMissing')
    const claims = JSON.parse(Buffer.from(token.split('.')[1], 'base64url'))
    const method = req.originalUrl.split('?')[0].split('/').pop()
    if (claims.lxm !== method || claims.aud.split('#')[0] !== audience || claims.exp * 1000 < Date.now())
      throw new XRPCError(401, 'not a token for this call', 'BadJwt')
    return { credentials: { did: claims.iss } }
  }
  const server = createServer(schemas, { validateResponse: true })
  const on = (name, answer) =>
    server.method('chat.bsky.convo.' + name, {
      auth,
      handler: async ({ params, input, auth: { credentials } }) => ({
        encoding: 'application/json',
        body: await answer(input?.body ?? params, credentials.did),
      }),
    })
  const pageOf = (list, { cursor, limit }, key) => {
    const from = cursor ? list.findIndex((entry) => key(entry) < cursor) : 0
    if (from < 0) return [[], undefined]
    const slice = list.slice(from, from + limit)
    return [slice, from + limit < list.length ? key(slice.at(-1)) : undefined]
  }

  on('getConvoForMembers', async ({ members: others }, did) => {
    const members = [...new Set([did, ...others])].sort()
    const key = members.join('|')
    let convo = [...convos.values()].find((known) => known.key === key)
    if (!convo) {
      for (const other of members)
        if (other !== did && (await blocks(other, did))) refuse('BlockedActor')
      const fresh = (member) => ({
        muted: false,
        status: member === did ? 'accepted' : 'request',
        read: '',
        left: false,
        deleted: new Set(),
      })
      const of = Object.fromEntries(members.map((member) => [member, fresh(member)]))
      convo = { id: tid(), key, rev: tid(), members, messages: [], of }
      convos.set(convo.id, convo)
      log(convo, members, 'logBeginConvo')
    }
    return { convo: await convoView(convo, did) }
  })
  on('getConvoAvailability', () => ({ canChat: true }))
  on('getConvo', async ({ convoId }, did) => ({ convo: await convoView(ownConvo(convoId, did), did) }))
  on('listConvos', async (query, did) => {
    const mine = [...convos.values()]
      .filter((convo) => convo.members.includes(did) && !convo.of[did].left)
      .filter((convo) => !query.status || convo.of[did].status === query.status)
      .sort((a, b) => (a.rev < b.rev ? 1 : -1))
    const [slice, cursor] = pageOf(mine, query, (convo) => convo.rev)
    const views = await Promise.all(slice.map((convo) => convoView(convo, did)))
    return { convos: views.filter((v) => query.readState !== 'unread' || v.unreadCount), cursor }
  })
  on('getMessages', ({ convoId, ...query }, did) => {
    const convo = ownConvo(convoId, did)
    const [slice, cursor] = pageOf([...convo.messages].reverse(), query, (message) => message.rev)
    return { messages: slice.map((message) => messageView(convo, message, did)), cursor }
  })
  const send = (convo, did, { text, facets }) => {
    if ([...text].length > 1000) refuse('InvalidRequest', 'text too long')
    const message = { id: tid(), rev: tid(), text, facets, sender: { did }, sentAt: new Date().toISOString() }
    convo.messages.push(message)
    convo.rev = message.rev
    convo.of[did].status = 'accepted'
    log(convo, convo.members, 'logCreateMessage', { message: messageView(convo, message, did) })
    return messageView(convo, message, did)
  }
  on('sendMessage', async ({ convoId, message }, did) => {
    const convo = ownConvo(convoId, did)
    for (const other of convo.members)
      if (other !== did && (await blocks(other, did))) refuse('InvalidConvo')
    const { $type, ...sent } = send(convo, did, message)
    return sent
  })
  on('deleteMessageForSelf', ({ convoId, messageId }, did) => {
    const convo = ownConvo(convoId, did)
    const message = convo.messages.find((known) => known.id === messageId)
    if (!message) refuse('InvalidRequest', 'no such message')
    convo.of[did].deleted.add(message.id)
    const { $type, ...gone } = messageView(convo, message, did)
    log(convo, [did], 'logDeleteMessage', { message: { $type, ...gone } })
    return gone
  })
  on('updateRead', async ({ convoId, messageId }, did) => {
    const convo = ownConvo(convoId, did)
    const upTo = messageId ? convo.messages.find((m) => m.id === messageId) : convo.messages.at(-1)
    convo.of[did].read = upTo?.rev ?? ''
    return { convo: await convoView(convo, did) }
  })
  on('acceptConvo', ({ convoId }, did) => {
    const convo = ownConvo(convoId, did)
    convo.of[did].status = 'accepted'
    log(convo, [did], 'logAcceptConvo')
    return { rev: tid() }
  })
  on('leaveConvo', ({ convoId }, did) => {
    const convo = ownConvo(convoId, did)
    convo.of[did].left = true
    log(convo, [did], 'logLeaveConvo')
    return { convoId, rev: tid() }
  })
  on('getLog', ({ cursor }, did) => {
    const mine = logs.filter(({ to, event }) => to.includes(did) && (!cursor || event.rev > cursor))
    const events = mine.slice(0, 100).map(({ event }) => event)
    return { logs: events, cursor: events.at(-1)?.rev ?? cursor ?? tid() }
  })

  const app = express()
  app.use(server.router)
  return new Promise((ready) => {
    const listening = app.listen(port, '127.0.0.1', () => ready(listening))
  })
}
