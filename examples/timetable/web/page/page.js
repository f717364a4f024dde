// The timetable's page. It talks to the server that it came from, and to nothing else.

const $ = id => document.getElementById(id);
const fieldNames = ["name", "start", "end", "zone"];

// ---- Times. An event comes with its instants; the table shows them by this browser's clock.

const format = options => {
  const f = new Intl.DateTimeFormat("en-GB", options);
  return date => f.format(date);
};
const clock = format({hour: "2-digit", minute: "2-digit"});
const weekday = format({weekday: "short"});
const dates = new Intl.DateTimeFormat("en-GB", {day: "numeric", month: "long", year: "numeric"});
const myZone = Intl.DateTimeFormat().resolvedOptions().timeZone;

const weekdayOf = date => (date.getDay() + 6) % 7;
const midnight = (date, days = 0) => new Date(date.getFullYear(), date.getMonth(), date.getDate() + days);
const monday = date => midnight(date, -weekdayOf(date));
const dayOf = date => wall(date.getTime() - date.getTimezoneOffset() * 6e4).slice(0, 10);
const minutes = date => date.getHours() * 60 + date.getMinutes();

// weekNumber counts as ISO 8601 does: week 1 has the year's first Thursday.
function weekNumber(first) {
  const thursday = midnight(first, 3);
  const days = (midnight(thursday) - new Date(thursday.getFullYear(), 0, 1)) / 864e5;
  return 1 + Math.floor(Math.round(days) / 7);
}

// wall writes what the clock shows as datetime-local does, and fromWall reads it, for
// differences only: both take the clock for one that never changes.
const wall = utc => new Date(utc).toISOString().slice(0, 16);
const fromWall = text => Date.parse(text + "Z");
const nowOnWall = () => { const d = new Date(); return d.getTime() - d.getTimezoneOffset() * 6e4; };

// ---- The server. What it doesn't answer is asked again until it does.

const pause = ms => new Promise(done => setTimeout(done, ms));

// ask returns the answer, null if the signal ended it.
async function ask(method, path, {body, waiting, signal} = {}) {
  for (let wait = 250; ; wait = Math.min(2 * wait, 4000)) {
    try {
      const answer = await fetch(path, {
        method, signal, body: body && JSON.stringify(body),
        headers: body ? {"Content-Type": "application/json"} : {},
      });
      if (answer.ok || answer.status === 422) return {ok: answer.ok, value: await answer.json()};
      if (answer.status !== 503) return {ok: false, value: {}, text: (await answer.text()).trim()};
      waiting?.("The store doesn't answer yet.");
    } catch {
      waiting?.("The server doesn't answer.");
    }
    await pause(wait);
    if (signal?.aborted) return null;
  }
}

// ---- What is shown: a week, and on a phone one day of it.

// The address keeps the day, for a reload: #2026-11-23.
const wanted = /^#\d{4}-\d\d-\d\d$/.test(location.hash) ? new Date(location.hash.slice(1) + "T00:00") : new Date();
const first = isNaN(wanted) ? new Date() : wanted;
let week = monday(first);
let shownDay = weekdayOf(first);
let events = null; // null until they are known
let loading = new AbortController();

async function load() {
  loading.abort(); // what was asked before is not waited for any more
  const {signal} = loading = new AbortController();
  const query = new URLSearchParams({from: week.toISOString(), to: midnight(week, 7).toISOString()});
  const answer = await ask("GET", "events?" + query, {signal});
  if (signal.aborted) return;
  if (!answer.ok) return say(answer.text);
  const first = events === null;
  if (JSON.stringify(events) === JSON.stringify(answer.value.events)) return; // a click that has begun stays one
  events = answer.value.events;
  $("note").textContent = answer.value.more ? `Only the first ${events.length} events of this week are shown.` : "";
  draw();
  if (first) scrollTo(earliest());
}

function go(first) {
  week = first;
  events = null;
  draw();
  load();
}

// earliest is the hour of the week's first event by the clock, or eight.
function earliest() {
  const hours = [...Array(7).keys()].flatMap(i => parts(midnight(week, i))).filter(p => !p.before).map(p => p.first / 60);
  return Math.floor(Math.min(8, ...hours));
}

// parts cuts events at midnight: what lies on the day that begins at start.
function parts(start) {
  const end = midnight(start, 1);
  const on = [];
  for (const e of events ?? []) {
    const from = new Date(e.starts), to = new Date(e.ends);
    if (from >= end || to <= start) continue;
    const first = from < start ? 0 : minutes(from);
    const last = to >= end ? 1440 : minutes(to);
    on.push({event: e, from, to, first, last: Math.max(last, Math.min(first + 28, 1440)), before: from < start, after: to > end});
  }
  on.sort((a, b) => a.first - b.first || b.last - a.last || (a.event.id < b.event.id ? -1 : 1));
  sideBySide(on);
  return on;
}

// sideBySide gives each part a lane. Parts that overlap, also by way of others, make a
// group, and share the width.
function sideBySide(on) {
  let group = [], lanes = [], end = 0;
  const close = () => { for (const p of group) p.lanes = lanes.length; };
  for (const p of on) {
    if (p.first >= end) { close(); group = []; lanes = []; end = 0; }
    p.lane = lanes.findIndex(free => free <= p.first);
    if (p.lane < 0) p.lane = lanes.length;
    lanes[p.lane] = p.last;
    group.push(p);
    end = Math.max(end, p.last);
  }
  close();
}

// setText leaves text that is right as it is: a screen reader would read it again.
function setText(id, text) {
  if ($(id).textContent !== text) $(id).textContent = text;
}

function element(name, properties = {}, ...children) {
  const e = Object.assign(document.createElement(name), properties);
  e.append(...children);
  return e;
}

function draw() {
  history.replaceState(null, "", "#" + dayOf(midnight(week, shownDay)));
  const last = midnight(week, 6);
  setText("week-title", `${dates.formatRange(week, last)} · week ${weekNumber(week)}`);
  const days = [...Array(7).keys()].map(i => midnight(week, i));
  const onDays = days.map(parts);
  const today = midnight(new Date()).getTime();
  const classOf = i => [days[i].getTime() === today && "today", i !== shownDay && "other"].filter(Boolean).join(" ");

  const focused = document.activeElement?.dataset?.key;
  const head = element("tr", {}, element("td"), ...days.map((day, i) =>
    element("th", {scope: "col", className: classOf(i)}, `${weekday(day)} ${day.getDate()}`)));
  const rows = [...Array(24).keys()].map(hour =>
    element("tr", {}, element("th", {scope: "row"}, `${String(hour).padStart(2, "0")}:00`), ...days.map((day, i) =>
      element("td", {className: classOf(i)},
        ...onDays[i].filter(p => Math.floor(p.first / 60) === hour).map(p => block(p, i))))));
  $("week").style.setProperty("--lanes", Math.max(...onDays.flat().map(p => p.lanes), 1));
  $("week").replaceChildren(element("thead", {}, head), element("tbody", {}, ...rows));
  if (focused) document.querySelector(`[data-key="${CSS.escape(focused)}"]`)?.focus({preventScroll: true});

  $("days").replaceChildren(...days.map((day, i) => {
    const b = element("button", {type: "button", className: onDays[i].length ? "busy" : ""}, `${weekday(day)} ${day.getDate()}`,
      element("span", {className: "unseen"}, `, events: ${onDays[i].length}`));
    b.dataset.key = "day" + i;
    b.setAttribute("aria-pressed", i === shownDay);
    b.addEventListener("click", () => { shownDay = i; draw(); });
    return b;
  }));
  if (focused?.startsWith("day")) $("days").children[focused.slice(3)].focus();
}

// block is the button that stands for a part of an event, in the cell where the part begins.
function block(p, day) {
  const withDay = date => `${weekday(date)} ${date.getDate()}, ${clock(date)}`;
  const when = p.before || p.after ? `${withDay(p.from)} – ${withDay(p.to)}` : `${clock(p.from)}–${clock(p.to)}`;
  const b = element("button", {type: "button", className: `event color${colorOf(p.event.name)}${p.last - p.first < 45 ? " short" : ""}`},
    element("bdi", {className: "name"}, p.event.name), element("span", {className: "time"}, when));
  if (p.event.zone !== myZone) b.append(element("span", {className: "time"}, `${p.event.start.slice(11)} in ${p.event.zone}`));
  b.append(element("span", {className: "unseen"}, "change"));
  b.title = `${p.event.name}\n${when}`;
  b.dataset.key = `${p.event.id} ${day}`;
  if (p.event.id === changing?.id) b.setAttribute("aria-current", "true");
  b.addEventListener("click", () => change(p.event));
  b.style.top = `calc(${(p.first % 60) / 60} * var(--hour))`;
  b.style.height = `calc(${(p.last - p.first) / 60} * var(--hour) - 1px)`;
  b.style.left = `calc(${100 * p.lane / p.lanes}% + 1px)`;
  b.style.width = `calc(${100 / p.lanes}% - 3px)`;
  return b;
}

function colorOf(name) {
  let sum = 0;
  for (const c of name) sum = (31 * sum + c.codePointAt(0)) % 997;
  return sum % 6;
}

// show brings an instant into view.
function show(instant) {
  const date = new Date(instant), first = monday(date);
  shownDay = weekdayOf(date);
  if (first.getTime() !== week.getTime()) {
    week = first;
    events = [];
  }
  draw();
  scrollTo(date.getHours());
  load();
}

function scrollTo(hour) {
  const rows = $("week").tBodies[0].rows;
  $("scroll").scrollTop = rows[Math.max(0, hour - 1)].offsetTop - $("week").tHead.offsetHeight;
}

// ---- The form.

let changing = null; // the event that is being changed, null for a new one
let saving = false;
let newID = crypto.randomUUID(); // asked for again, an event is still one
let deleted = null;
let draft = null; // what was typed for a new event when an old one was chosen

const typed = () => Object.fromEntries(fieldNames.map(f => [f, $(f).value]));

function say(text) { $("status").textContent = text; }

function fill(e) {
  for (const f of fieldNames) {
    if (f === "zone" && ![...$("zone").options].some(o => o.value === e.zone)) $("zone").add(new Option(e.zone, e.zone));
    $(f).value = e[f];
  }
  lastStart = $("start").value;
}

// fresh makes the form one for a new event, at the next full hour.
function fresh() {
  changing = null;
  newID = crypto.randomUUID();
  const start = Math.ceil(nowOnWall() / 36e5) * 36e5;
  fill(draft ?? {name: "", start: wall(start), end: wall(start + 36e5), zone: myZone});
  draft = null;
  title("New event", false);
}

function change(e) {
  if (saving) return;
  if (!changing && $("name").value) draft = typed();
  changing = e;
  complain({});
  say("");
  fill(e);
  title("Change event", true);
  draw();
  $("name").focus();
}

function title(text, exists) {
  $("form-title").textContent = text;
  $("delete").hidden = $("cancel").hidden = !exists;
}

// complain shows a sentence at each field that has one, and goes to the first.
function complain(problems) {
  let first = null;
  for (const f of fieldNames) {
    $(f + "-error").textContent = problems[f] ?? "";
    $(f).setAttribute("aria-invalid", Boolean(problems[f]));
    if (problems[f]) first ??= $(f);
  }
  first?.focus();
}

// send asks for a change while the form waits, and returns the answer.
async function send(method, id, body, text) {
  saving = true;
  $("undo").hidden = true;
  $("fields").disabled = true;
  say(text);
  const waiting = why => say(`${why} Not saved yet: this page goes on trying.`);
  const answer = await ask(method, "events/" + id, {body, waiting});
  saving = false;
  $("fields").disabled = false;
  return answer;
}

async function save() {
  const e = typed();
  const half = Object.fromEntries(["start", "end"].filter(f => $(f).validity.badInput)
    .map(f => [f, "This date and time is not complete."]));
  if (Object.keys(half).length) return complain(half);
  complain({});
  const answer = await send("PUT", changing?.id ?? newID, e, "Saving …");
  if (!answer.ok) {
    say(answer.text ?? "Not saved: see the fields.");
    return complain(answer.value);
  }
  say(`Saved “${answer.value.name}”.`);
  fresh();
  show(answer.value.starts);
  $("name").focus();
}

async function remove() {
  const e = changing;
  complain({});
  const answer = await send("DELETE", e.id, null, "Deleting …");
  if (!answer.ok) return say(answer.text);
  deleted = e;
  fresh();
  load();
  say(`Deleted “${e.name}”.`);
  $("undo").hidden = false;
  $("undo").focus();
}

async function undo() {
  const {id, name, start, end, zone} = deleted;
  const answer = await send("PUT", id, {name, start, end, zone}, "Saving …");
  say(answer.ok ? `“${name}” is back.` : answer.text ?? "It is refused now.");
  load();
  $("name").focus();
}

// The end follows the start, so that the event stays as long as it is.
let lastStart = "";
function follow() {
  const {value} = $("start");
  const end = $("end").value;
  if (value && lastStart && end) $("end").value = wall(fromWall(end) + fromWall(value) - fromWall(lastStart));
  if (value) lastStart = value;
}

// ---- How the store is.

let starts = 0; // how often it was found running
function tell(phase, text) {
  $("store").dataset.phase = phase;
  setText("store", text);
}

let stream = null;
function listen() {
  stream?.close();
  stream = null;
  if (document.hidden) return; // a browser makes few connections: the pages that are seen have them
  stream = new EventSource("state");
  stream.onmessage = message => {
    const s = JSON.parse(message.data);
    switch (s.phase) {
      case "running":
        starts ||= s.starts;
        tell("running", `The store ${s.starts > starts ? "is back" : "runs"} (process ${s.pid}).`);
        load();
        break;
      case "starting":
        tell("starting", "The store is being started …");
        break;
      case "stopped":
        tell("stopped", `The store has stopped (${s.reason}). It is being started again; what was saved is safe.`);
        break;
      case "hanging":
        tell("hanging", `The store doesn’t answer (process ${s.pid}). If it goes on so, it is ended and started again; what was saved is safe.`);
        break;
      case "failing":
        tell("failing", `The store can't be started: ${s.reason}. It is tried again.`);
    }
  };
  stream.onerror = () => {
    tell("away", "The server doesn't answer. If it was ended, start it again and open the address that it prints.");
    if (stream?.readyState === EventSource.CLOSED) setTimeout(listen, 2000);
  };
}

// ---- Here it begins.

for (const z of new Set([myZone, "UTC", ...Intl.supportedValuesOf("timeZone")])) $("zone").add(new Option(z.replaceAll("_", " "), z));
$("form").addEventListener("submit", e => { e.preventDefault(); if (!saving) save(); });
$("delete").addEventListener("click", remove);
$("undo").addEventListener("click", undo);
$("cancel").addEventListener("click", () => { fresh(); complain({}); say(""); draw(); $("name").focus(); });
$("start").addEventListener("change", follow);
$("previous").addEventListener("click", () => go(midnight(week, -7)));
$("next").addEventListener("click", () => go(midnight(week, 7)));
$("today").addEventListener("click", () => show(new Date()));
document.addEventListener("visibilitychange", listen);
fresh();
draw();
scrollTo(8);
listen();
