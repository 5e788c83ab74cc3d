// A backend that logs its users in with a code sent by mail, and gives their pages a Fauna
// secret: a worked example of POST /fauna-login/on-behalf. See README.md.
//
//   POST /code   {"email":"ada@example.com"}                    204; sends a code, if we know her
//   POST /login  {"email":"ada@example.com","code":"12345678"}  200 {"secret","endpoint","expires_at"}
import { createServer } from "node:http";
import { randomInt, timingSafeEqual } from "node:crypto";
import { onBehalf } from "./faunalogin.mjs";

// Your table of users. The subject is the user's key in Fauna: never change it, and take a
// provider name (before the bar) that no Auth0 connection has, unless you mean that very user.
const users = new Map([["ada@example.com", "mail|1"], ["grace@example.com", "mail|2"], ["alan@example.com", "mail|3"]]);

// E-mail → the code that was sent last. It is good once, for ten minutes, and for five tries.
const codes = new Map();

// Sends a code. Its answer does not tell whether we know the address.
function postCode({ email }) {
  // One a minute at most: else guessing would only need more codes.
  if (users.has(email) && !(Date.now() - codes.get(email)?.sent < 60_000)) {
    const text = String(randomInt(100_000_000)).padStart(8, "0");
    codes.set(email, { text, sent: Date.now(), tries: 0 });
    // HERE goes your mail service.
    console.log(`mail to ${email}: your code is ${text}`);
  }
  return { status: 204 };
}

// The app's own check, the one thing that stands between a stranger and a user's data:
// fauna-login believes this backend. Put passkeys, or what you have, in its place.
function authenticated(email, text) {
  const code = codes.get(email);
  if (!code || code.tries === 5 || Date.now() - code.sent > 600_000) return false;
  code.tries++;
  const [want, got] = [Buffer.from(code.text), Buffer.from(String(text))];
  if (want.length !== got.length || !timingSafeEqual(want, got)) return false;
  code.tries = 5; // used up
  return true;
}

// Hands a secret to the page of a user who proved who they are.
async function postLogin({ email, code }) {
  if (!authenticated(email, code)) return { status: 401, text: "wrong code" };
  try {
    // The subject comes from the table, never from the request.
    const { secret, endpoint, expires_at } = await onBehalf(users.get(email), { email });
    return { status: 200, json: { secret, endpoint, expires_at } };
  } catch (err) {
    if (err.status === 403) return { status: 403, text: "you may not log in" }; // blocked, or deleted
    console.error("logging in:", err.message); // holds no token and no secret
    return { status: 503, text: "try again in a while" };
  }
}

const routes = { "POST /code": postCode, "POST /login": postLogin };

// Reads a JSON body. Its type is what keeps other sites' pages out: they cannot send it without
// asking first (CORS), and nobody answers.
async function read(req) {
  if (req.headers["content-type"]?.split(";")[0] !== "application/json") return null;
  let body = "";
  for await (const chunk of req) {
    if ((body += chunk).length > 4096) return null;
  }
  try {
    return JSON.parse(body);
  } catch {
    return null;
  }
}

async function answer(req) {
  const route = routes[`${req.method} ${req.url}`];
  if (!route) return { status: 404, text: "not found" };
  const body = await read(req);
  if (body === null || typeof body !== "object") return { status: 400, text: "a JSON object expected" };
  return route(body);
}

const server = createServer(async (req, res) => {
  const { status, json, text } = await answer(req).catch(() => ({ status: 400, text: "the request broke off" }));
  res.writeHead(status, { "Content-Type": json ? "application/json" : "text/plain", "Cache-Control": "no-store" });
  res.end(json ? JSON.stringify(json) : text);
});
const [host, port] = (process.env.LISTEN ?? "127.0.0.1:3000").split(":");
server.listen(Number(port), host, () => console.log(`listening on http://${host}:${server.address().port}`));
