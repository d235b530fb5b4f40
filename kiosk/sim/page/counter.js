"use strict";

const POLL_MS = 300;
const HOLD_MS = 1000; // as long as a key of the kiosk must be held
const MESSAGE_MS = 5000;

const TROUBLES = {
  "no-network": "No network",
  "answer-lost": "Answers get lost",
  "mp-down": "Mercado Pago down",
  "mp-slow": "Mercado Pago slow",
  "token-expired": "Token refused",
  "search-lag": "Searches lag",
  "locked": "Order locks on scan",
  "notices-delayed": "Notifications late",
  "notices-lost": "Notifications lost",
  "notices-repeated": "Notifications repeated",
  "notices-out-of-order": "Notifications swapped",
  "notices-forged": "Notifications forged",
  "paper-out": "Out of paper",
  "paper-low": "Paper low",
  "cover-open": "Cover open",
  "printer-unplugged": "Printer unplugged",
  "printer-pulled": "Pulled mid-ticket",
  "printer-mute": "Printer says nothing",
  "display-unplugged": "Display unplugged",
  "keypad-stuck": "Key 5 stuck",
  "keypad-bouncing": "Keypad bounces",
  "power-cut": "Power cut",
};

const PHONE = {
  "waiting": ["Customer's phone", "Nothing to pay here yet: scan the QR."],
  "order": ["To pay", "Confirm, or be refused by the bank."],
  "paid": ["Paid", ""],
  "refunded": ["Refunded", "The shop gave the money back."],
  "part-paid": ["Partly paid", "Confirm pays the rest."],
  "pending": ["In review", "The bank has not decided yet."],
  "rejected": ["Refused by the bank", "Try again with another card."],
};

const WAITING = ["Waiting for the cashier", "The QR holds no order. Scan again when there is one."];

const at = (id) => document.getElementById(id);

/** Write a text where it is new; a screen reader would read out the same one again and again. */
function say(id, text) {
  if (at(id).textContent !== text) at(id).textContent = text;
}

// --- asking the world

let messageTimer;

function tell(text) {
  clearTimeout(messageTimer);
  at("message").textContent = text;
  messageTimer = setTimeout(() => { at("message").textContent = ""; }, MESSAGE_MS);
}

/** POST a JSON object; the answer, or null when it was an error, which is told. */
async function post(path, sent) {
  try {
    const response = await fetch(path, { method: "POST", body: JSON.stringify(sent) });
    const answer = await response.json();
    if (response.ok) return answer;
    tell(answer.error);
  } catch {
    tell("The virtual counter does not answer.");
  }
  return null;
}

// --- the keypad: what is pressed while earlier presses travel goes along with the next

const pressed = [];
let travelling = false;

function press(key, held = false) {
  const last = pressed.at(-1);
  if (last && !last.held && !held) last.keys += key;
  else pressed.push({ keys: key, held });
  if (!travelling) send();
}

async function send() {
  travelling = true;
  while (pressed.length) await post("/keys", pressed.shift());
  travelling = false;
  refresh();
}

for (const button of at("keypad").querySelectorAll("button")) {
  let holding;
  let held = false;
  button.addEventListener("pointerdown", () => {
    held = false;
    holding = setTimeout(() => { held = true; press(button.dataset.key, true); }, HOLD_MS);
  });
  for (const end of ["pointerup", "pointerleave", "pointercancel"]) {
    button.addEventListener(end, () => clearTimeout(holding));
  }
  button.addEventListener("click", (event) => {
    if (!held) press(button.dataset.key);
    held = false;
    if (event.detail > 0) button.blur(); // so that Enter is the keypad's # again
  });
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
  const named = { Enter: "#", Backspace: "*" }[event.key];
  if (event.key === "Enter" && document.activeElement !== document.body) return;
  const key = named ?? event.key.toUpperCase();
  const button = at("keypad").querySelector(`button[data-key="${CSS.escape(key)}"]`);
  if (!button) return;
  event.preventDefault();
  button.classList.add("down");
  setTimeout(() => button.classList.remove("down"), 120);
  press(key);
});

// --- the customer, the troubles

for (const button of at("actions").querySelectorAll("button")) {
  button.addEventListener("click", async (event) => {
    if (event.detail > 0) button.blur();
    const answer = await post("/customer", { action: button.dataset.action });
    if (answer && answer.ok === false) tell("The phone finds nothing to pay.");
    refresh();
  });
}

// A view that was asked for before a switch's answer came may still show it as it was: it must not flip it back.
let flips = 0;
let flipping = 0;

function troubleSwitch(name) {
  const label = document.createElement("label");
  label.className = "trouble";
  const box = document.createElement("input");
  box.type = "checkbox";
  box.name = name;
  box.setAttribute("role", "switch");
  box.addEventListener("change", async () => {
    flipping += 1;
    flips += 1;
    await post("/trouble", { name, on: box.checked });
    flipping -= 1;
    flips += 1;
    box.blur();
    refresh();
  });
  label.append(box, TROUBLES[name] ?? name);
  at("troubles").append(label);
  return box;
}

function showTroubles(troubles) {
  for (const [name, on] of Object.entries(troubles)) {
    const box = at("troubles").querySelector(`input[name="${CSS.escape(name)}"]`) ?? troubleSwitch(name);
    box.checked = on;
    box.parentElement.classList.toggle("on", on);
  }
  const dark = troubles["printer-unplugged"];
  at("lamp").className = `lamp${dark ? " dark" : troubles["paper-out"] || troubles["cover-open"] ? " bad" : ""}`;
}

// --- what is to be seen

function showStatus(view) {
  say("state", view.state);
  at("state").dataset.state = view.state;
  say("sale", view.sale ? `sale ${view.sale.number} · ${view.sale.reference}` : "");
  say("obligations", view.obligations ? unfinished(view.obligations) : "");
  say("health", view.health ? ills(view.health) : "");
}

/** Who may give money back here; a real account's supervisors are nobody's business. */
function showSupervisor(supervisor) {
  say("supervisor", supervisor ? `Refunds ask for a PIN: the ${supervisor.name.toLowerCase()}'s is ${supervisor.pin}.` : "");
}

/** The two lights, and what the buzzer played last. */
function showSignals(view) {
  for (const colour of ["green", "red"]) {
    const shine = view.lights?.[colour] ?? "dark";
    if (at(colour).dataset.shine === shine) continue;
    at(colour).dataset.shine = shine; // a blink that is begun again at each look would never end
    at(colour).setAttribute("aria-label", `${colour} light: ${shine}`);
  }
  say("tune", view.tune ? `heard: ${view.tune}` : "");
}

/** What the kiosk has not done with yet. */
function unfinished({ watches, debts, disputes }) {
  return [
    watches.length && `watching ${watches.length}`,
    debts.length && `papers owed ${debts.length}`,
    disputes.length && `payments to settle ${disputes.length}`,
  ].filter(Boolean).join(" · ");
}

/** What the kiosk says is not well. */
function ills(health) {
  return [
    health.trouble && `no answer: ${health.trouble}`,
    health.reject && `refused: ${health.reject}`,
    health.printer && health.printer !== "ok" && `printer: ${health.printer}`,
    ...(health.display ?? []),
    ...(health.keypad ?? []),
    ...(health.sound ?? []),
    health.journal === false && "journal cannot be written",
    health.account === false && "wrong account",
  ].filter(Boolean).join(" · ");
}

function showPhone(phone) {
  at("actions").classList.toggle("absent", !phone);
  if (!phone) {
    say("phone-head", "The account is the real one: pay with a real phone.");
    return;
  }
  const scanned = phone.screen === "waiting" && phone.scanned;
  const [head, text] = scanned ? WAITING : PHONE[phone.screen] ?? [phone.screen, ""];
  at("phone").dataset.screen = phone.screen;
  say("phone-head", head);
  say("phone-title", phone.title);
  showItems(phone.items);
  say("phone-amount", phone.amount);
  say("phone-text", text);
}

/** What is bought, where that is more than the amount alone says. */
function showItems(items) {
  const rows = items.length > 1 || items[0]?.quantity > 1 ? items : [];
  const texts = rows.map((item) => `${item.quantity} x ${item.unit_price}  ${item.title}`);
  if (at("phone-items").dataset.shown === JSON.stringify(texts)) return;
  at("phone-items").dataset.shown = JSON.stringify(texts);
  at("phone-items").replaceChildren(...texts.map((text) => {
    const row = document.createElement("li");
    row.textContent = text;
    return row;
  }));
}

let shown = {};

function showPictures(view) {
  at("keypad").classList.toggle("absent", !view.keypad);
  at("screen").hidden = view.pixels === null;
  at("no-screen").hidden = view.pixels !== null;
  if (view.pixels !== null && view.pixels !== shown.pixels) at("screen").src = `/screen.png?${view.pixels}`;
  if (view.paper === null) say("no-paper", "The printer is the real one.");
  if (view.paper && view.paper !== shown.paper) at("paper").src = `/paper.png?${view.paper}`;
  shown = view;
}

at("paper").addEventListener("load", () => {
  at("paper").hidden = false;
  at("no-paper").hidden = true;
  at("roll").scrollTop = at("roll").scrollHeight;
});

let looking = false;

async function refresh() {
  if (looking) return;
  looking = true;
  try {
    const flipsBefore = flips;
    const view = await (await fetch("/view")).json();
    showStatus(view);
    showSignals(view);
    showSupervisor(view.supervisor);
    if (!flipping && flips === flipsBefore) showTroubles(view.troubles);
    showPhone(view.phone);
    showPictures(view);
  } catch {
    say("state", "the virtual counter has ended");
    at("state").dataset.state = "off";
  } finally {
    looking = false;
  }
}

async function watch() {
  await refresh();
  setTimeout(watch, POLL_MS);
}

watch();
