// The extension's window. It talks to timetable-host, a program on this machine, by
// Chrome's native messaging: each message is a JSON object.

const host = "io.github.breezeway_ipc.timetable";
const $ = id => document.getElementById(id);
const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
const day = new Intl.DateTimeFormat("en-GB", {weekday: "short", day: "numeric"});
const clock = new Intl.DateTimeFormat("en-GB", {hour: "2-digit", minute: "2-digit"});

// ---- The host. A question is kept until it is answered, and asked again of the next host
// if this one ends: an event has an id, and is there once however often it is asked for.

let port = null;
let number = 0;
const questions = new Map(); // by number: the message, and what to do with the answer

function connect() {
  port = chrome.runtime.connectNative(host);
  port.onMessage.addListener(message => {
    if (message.state) return tell(message.state);
    // What could not be read has no number: none of the questions is answered then.
    for (const id of message.id === undefined ? [...questions.keys()] : [message.id]) {
      const question = questions.get(id);
      questions.delete(id);
      question?.done(message);
    }
  });
  port.onDisconnect.addListener(() => {
    port = null;
    $("store").dataset.phase = "away";
    $("store").textContent = `timetable-host doesn't run: ${chrome.runtime.lastError?.message ?? "it has ended"} It is tried again.`;
    setTimeout(connect, 1000);
  });
  for (const {message} of questions.values()) port.postMessage(message);
}

function ask(message) {
  return new Promise(done => {
    message.id = ++number;
    questions.set(message.id, {message, done});
    port?.postMessage(message);
  });
}

const phases = {
  starting: () => "The store is being started …",
  running: s => `The store runs (process ${s.pid}).`,
  stopped: s => `The store has stopped (${s.reason}). It is being started again; what was saved is safe.`,
  hanging: s => `The store doesn’t answer (process ${s.pid}). If it goes on so, it is ended and started again; what was saved is safe.`,
  failing: s => `The store can't be started: ${s.reason}. It is tried again.`,
};

function tell(state) {
  $("store").dataset.phase = state.phase;
  $("store").textContent = phases[state.phase](state);
  if (state.phase === "running") load();
}

// ---- The list.

async function load() {
  const from = new Date(), to = new Date(from.getFullYear(), from.getMonth(), from.getDate() + 7);
  const answer = await ask({do: "between", from: from.toISOString(), to: to.toISOString()});
  if (answer.error) return say(answer.error);
  const events = answer.page.events.toSorted((a, b) => Date.parse(a.starts) - Date.parse(b.starts));
  $("events").replaceChildren(...events.map(item));
  if (events.length === 0) $("events").append(element("li", "Nothing is entered for them."));
}

function item(event) {
  const from = new Date(event.starts), to = new Date(event.ends);
  const line = element("li", "");
  line.append(element("span", `${day.format(from)}, ${clock.format(from)}–${clock.format(to)}`), element("bdi", event.name));
  return line;
}

function element(name, text) {
  const e = document.createElement(name);
  e.textContent = text;
  return e;
}

// ---- The form.

let id = crypto.randomUUID();
const fields = ["name", "start", "end"];
const say = text => { $("status").textContent = text; };

function complain(problems) {
  for (const f of fields) {
    $(f + "-error").textContent = problems[f] ?? "";
    $(f).setAttribute("aria-invalid", Boolean(problems[f]));
  }
  const first = fields.find(f => problems[f]);
  if (first) $(first).focus();
}

$("form").addEventListener("submit", async e => {
  e.preventDefault();
  const event = {id, zone, ...Object.fromEntries(fields.map(f => [f, $(f).value]))};
  complain({});
  say("Saving …");
  $("fields").disabled = true;
  let answer;
  while ((answer = await ask({do: "put", event})).again) say("The store doesn't answer yet. Not saved yet: this is tried again.");
  $("fields").disabled = false;
  if (answer.problems) say(answer.problems.zone ?? "Not saved: see the fields.");
  else if (answer.error) say(answer.error);
  else {
    say(`Saved “${answer.event.name}”.`);
    id = crypto.randomUUID();
    $("name").value = "";
  }
  complain(answer.problems ?? {});
  if (!answer.problems) $("name").focus();
});

const wall = ms => new Date(ms - new Date().getTimezoneOffset() * 6e4).toISOString().slice(0, 16);
const hour = Math.ceil(Date.now() / 36e5) * 36e5;
$("start").value = wall(hour);
$("end").value = wall(hour + 36e5);
connect();
