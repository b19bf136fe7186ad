'use strict';

// Shows the readings that come over a WebSocket, each the same JSON object as a line of `edmlive listen --json`.

const STALE_MS = 5000;
const RETRY_MS = [250, 500, 1000, 2000];
const TIMELINE_MS = 5000;
const ANNOUNCE_MS = 10000;
const PIXELS_PER_SECOND = 0.5;
const TICK_SECONDS = 300;
const QUIETEST_DBFS = -60;
const FAMILY_LEAD = 0.1;  // how much surer than an unsure genre a family has to be to be shown in its place
const MOST_NAMED = 4;
const EXPLANATIONS = {
  'connecting': 'Waiting for the first reading.',
  'warming up': 'The first answer takes a few seconds of music.',
  'silence': 'Nothing is playing.',
  'unknown': 'No music, or none that the model knows.',
};

const $ = id => document.getElementById(id);

let socket = null;
let retries = 0;
let reading = null;
let arrived = performance.now();
let interval = 0;
let segments = [];
let timelineAsked = -Infinity;
let timelineWanted = false;
let atTheEnd = true;
let announcedAt = -Infinity;
let announced = '';

// ---- connection

function connect() {
  const mine = new WebSocket(`${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/ws`);
  socket = mine;
  mine.onopen = () => { timelineWanted = true; };
  mine.onmessage = event => { if (mine === socket) receive(JSON.parse(event.data)); };
  mine.onclose = () => {
    if (mine !== socket) return;
    socket = null;
    setTimeout(connect, RETRY_MS[Math.min(retries++, RETRY_MS.length - 1)]);
    render();
  };
}

function receive(newest) {
  const now = performance.now();
  interval = reading ? now - arrived : 0;
  arrived = now;
  retries = 0;
  const last = segments.at(-1);
  if (last && last.state === newest.state && last.genre === newest.genre) {
    last.end = newest.clock;
    last.bpm = newest.bpm ?? last.bpm;
  } else {
    timelineWanted = true;
  }
  reading = newest;
  render();
  growTimeline();
}

function secondsOld() {
  return Math.floor((performance.now() - arrived) / 1000);
}

function isStale() {
  return performance.now() - arrived > Math.max(STALE_MS, 3 * interval);  // a long hop between readings is not a fault
}

function shownState() {
  if (isStale() || (socket === null && reading)) return 'lost';
  return reading ? reading.state : 'connecting';
}

// ---- now

function render() {
  const state = shownState();
  const live = state !== 'lost' && reading !== null;
  const connected = socket !== null && socket.readyState === WebSocket.OPEN;
  document.body.dataset.state = state;
  const mixing = live && reading.mixing ? ', mixing' : '';
  setText('state', state === 'lost' ? (connected ? 'no updates' : 'connection lost') : state + mixing);
  setText('model', live ? reading.model : '');
  setText('clock', live ? timeOf(reading.clock) : '');
  const headline = {
    'lost': connected ? 'No updates' : 'Connection lost', 'no input': 'No input', 'silence': 'Silence',
    'warming up': 'Warming up', 'connecting': 'Connecting', 'unknown': 'Unknown',
  }[state] ?? (familyLeads() ? `${reading.family}, perhaps ${reading.genre}` : reading.genre);
  setHeadline(headline, live && reading.genre ? reading.genre : headline);
  setText('detail', detail(state));
  setText('alarm', {
    'lost': connected ? 'edmlive is connected but sends no readings.' : 'The connection to edmlive is lost. Reconnecting.',
    'no input': 'No audio is coming in. Check the cable, the sound card and the mixer.',
  }[state] ?? '');
  setList('notices', live ? reading.notices : []);
  setText('bpm', live && reading.bpm !== null ? reading.bpm.toFixed(1) : '–');
  setText('tempi', live ? otherTempi() : '');
  setText('confidence', live && reading.confidence !== null ? Math.round(100 * reading.confidence) : '–');
  setLevel(live && state !== 'no input' ? reading.level_dbfs : null);
  setTop(live ? reading.top : []);
  document.title = `${headline} · edmlive`;
  announce(state);
}

function detail(state) {
  if (state === 'lost') {
    const last = reading && reading.genre ? `; last genre: ${reading.genre}` : '';
    return `No updates for ${duration(secondsOld())}${last}.`;
  }
  if (state === 'no input') return `The input is ${reading.liveness}.`;
  if (EXPLANATIONS[state]) return EXPLANATIONS[state];
  const playing = reading.truth ? `Actually playing: ${reading.truth.genre}, ${reading.truth.bpm.toFixed(1)} BPM` : '';
  return [state === 'unsure' ? 'Not sure.' : '', familyInWords(), setInWords(), playing].filter(Boolean).join(' ');
}

function familyLeads() {
  return reading.state === 'unsure' && reading.family !== null && reading.family !== reading.genre
    && reading.family_confidence - reading.confidence > FAMILY_LEAD;
}

function familyInWords() {
  if (reading.family === null || reading.family === reading.genre) return '';
  return `${reading.family}: ${Math.round(100 * reading.family_confidence)} %.`;
}

function setInWords() {
  const { length } = reading.set;
  if (length < 2) return '';
  return length > MOST_NAMED ? `One of ${length} genres.` : `One of: ${reading.set.join(', ')}.`;
}

function otherTempi() {
  const others = reading.bpm_candidates.filter(({ bpm }) => reading.bpm === null || Math.abs(bpm - reading.bpm) > 1).slice(0, 2);
  return others.length ? `or ${others.map(({ bpm, probability }) => `${bpm.toFixed(1)} (${Math.round(100 * probability)} %)`).join(', ')}` : '';
}

function setText(id, text) {
  const element = $(id);
  if (element.textContent !== String(text)) element.textContent = text;
}

function setList(id, texts) {
  const list = $(id);
  if (JSON.stringify(texts) === JSON.stringify([...list.children].map(item => item.textContent))) return;
  list.replaceChildren(...texts.map(text => make('p', '', text)));
}

function make(tag, name, text = '') {
  const element = document.createElement(tag);
  element.className = name;
  element.textContent = text;
  return element;
}

function setHeadline(text, coloured) {
  const breakable = text.replace(/[&/]/g, '$&\u200b');
  if ($('headline').textContent === breakable) return;
  $('headline').textContent = breakable;
  document.body.style.setProperty('--hue', hueOf(coloured));
  fitHeadline();
}

function fitHeadline() {
  // The largest size at which the text fits its box, in as many lines as that takes.
  const box = $('headline');
  let fits = 16, tooLarge = 400;
  while (tooLarge - fits > 2) {
    const size = (fits + tooLarge) / 2;
    box.style.fontSize = `${size}px`;
    if (box.scrollWidth <= box.clientWidth && box.scrollHeight <= box.clientHeight) fits = size; else tooLarge = size;
  }
  box.style.fontSize = `${fits}px`;
}

function setLevel(dbfs) {
  const shown = dbfs === null ? QUIETEST_DBFS : Math.min(0, Math.max(QUIETEST_DBFS, dbfs));
  const text = dbfs === null ? '–' : `${dbfs.toFixed(1)} dBFS`;
  setText('level', text);
  $('meter').setAttribute('aria-valuenow', shown.toFixed(1));
  $('meter').setAttribute('aria-valuetext', dbfs === null ? 'unknown' : text);
  $('meter').firstElementChild.style.clipPath = `inset(0 ${100 * shown / QUIETEST_DBFS}% 0 0)`;
}

function setTop(candidates) {
  const list = $('top');
  while (list.children.length < 5) {
    const row = make('li', ''), bar = make('div', 'bar');
    bar.append(make('div', ''));
    row.append(make('span', 'name'), make('span', 'share'), bar);
    list.append(row);
  }
  [...list.children].forEach((row, i) => {
    const { genre, confidence } = candidates[i] ?? { genre: '–', confidence: 0 };
    const [name, share, bar] = row.children;
    name.textContent = genre;
    share.textContent = candidates[i] ? `${Math.round(100 * confidence)} %` : '';
    bar.firstElementChild.style.width = `${100 * confidence}%`;
    row.style.setProperty('--hue', hueOf(genre));
  });
}

function announce(state) {
  // Alarms are announced by their own region; changes of the music only now and then.
  const text = state === 'listening' ? reading.genre : EXPLANATIONS[state] ?? '';
  if (!text || text === announced || performance.now() - announcedAt < ANNOUNCE_MS) return;
  announced = text;
  announcedAt = performance.now();
  setText('announcement', text);
}

function hueOf(genre) {
  let hash = 2166136261;
  for (const character of genre) hash = Math.imul(hash ^ character.codePointAt(0), 16777619);
  return ((hash ^ (hash >>> 15)) >>> 0) % 360;
}

// ---- the night

async function fetchTimeline() {
  timelineWanted = false;
  timelineAsked = performance.now();
  try {
    const answer = await fetch('/api/timeline');
    if (!answer.ok) return;
    segments = await answer.json();
    drawTimeline();
  } catch {
    timelineWanted = true;
  }
}

function drawTimeline() {
  $('timeline').replaceChildren(...segments.map(segment => {
    const item = make('li', '');
    item.dataset.state = segment.state;
    item.style.setProperty('--hue', hueOf(segment.genre ?? ''));
    item.style.left = `${pixelsAt(segment.start)}px`;
    item.append(make('span', 'shown', segment.genre ?? segment.state), make('span', 'shown bpm'), make('span', 'heard-only'));
    for (const shown of item.querySelectorAll('.shown')) shown.ariaHidden = 'true';
    fillSegment(item, segment);
    return item;
  }));
  growTimeline();
}

function fillSegment(item, segment) {
  item.style.width = `${pixelsAt(segment.end) - pixelsAt(segment.start)}px`;
  const tempo = segment.bpm === null ? '' : `${segment.bpm.toFixed(1)} BPM`;
  const times = `${timeOf(segment.start)} to ${timeOf(segment.end)}`;
  item.children[1].textContent = tempo;
  item.children[2].textContent = item.title = [segment.genre ?? segment.state, tempo, times].filter(Boolean).join(', ');
}

function growTimeline() {
  if (!segments.length || !$('timeline').lastElementChild) return;
  const scroller = $('scroller'), last = segments.at(-1);
  fillSegment($('timeline').lastElementChild, last);
  const width = pixelsAt(last.end);
  $('strip').style.width = `${width}px`;
  drawAxis(Math.max(width, scroller.clientWidth));
  if (atTheEnd) scroller.scrollLeft = scroller.scrollWidth;
}

function drawAxis(width) {
  const begin = Date.parse(segments[0].start) / 1000;
  const first = Math.ceil(begin / TICK_SECONDS) * TICK_SECONDS;
  const count = Math.max(0, Math.floor((width / PIXELS_PER_SECOND - (first - begin)) / TICK_SECONDS) + 1);
  if ($('axis').dataset.first === String(first) && $('axis').children.length === count) return;
  $('axis').dataset.first = first;
  $('axis').replaceChildren(...Array.from({ length: count }, (_, i) => {
    const tick = make('span', '', timeOf(new Date((first + i * TICK_SECONDS) * 1000)).slice(0, 5));
    tick.style.left = `${(first + i * TICK_SECONDS - begin) * PIXELS_PER_SECOND}px`;
    return tick;
  }));
}

function pixelsAt(moment) {
  return (Date.parse(moment) - Date.parse(segments[0].start)) / 1000 * PIXELS_PER_SECOND;
}

function timeOf(moment) {
  return new Date(moment).toLocaleTimeString('en-GB');
}

function duration(seconds) {
  return seconds < 60 ? `${seconds} s` : `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}

// ---- timer

setInterval(() => {
  if (shownState() === 'lost') {
    render();
    // A lost network is not always reported: connect again.
    if (socket !== null && secondsOld() % 5 === 0) { const old = socket; socket = null; old.close(); connect(); }
  } else if (timelineWanted && performance.now() - timelineAsked > TIMELINE_MS) {
    fetchTimeline();
  }
}, 1000);
$('scroller').addEventListener('scroll', ({ target }) => {
  atTheEnd = target.scrollLeft + target.clientWidth > target.scrollWidth - 8;
});
new ResizeObserver(fitHeadline).observe($('headline'));
setTop([]);
render();
connect();
