/** X11 keysyms by `KeyboardEvent.key`, for keys that give no character. */
const NAMED = new Map(
  Object.entries({
    Backspace: 0xff08,
    Tab: 0xff09,
    Clear: 0xff0b,
    Enter: 0xff0d,
    Pause: 0xff13,
    ScrollLock: 0xff14,
    Escape: 0xff1b,
    Delete: 0xffff,
    Compose: 0xff20,
    KanjiMode: 0xff21,
    NonConvert: 0xff22,
    Convert: 0xff23,
    Romaji: 0xff24,
    Hiragana: 0xff25,
    Katakana: 0xff26,
    HiraganaKatakana: 0xff27,
    Zenkaku: 0xff28,
    Hankaku: 0xff29,
    ZenkakuHankaku: 0xff2a,
    KanaMode: 0xff2d,
    Alphanumeric: 0xff30,
    Eisu: 0xff2f,
    HangulMode: 0xff31,
    HanjaMode: 0xff34,
    CodeInput: 0xff37,
    JunjaMode: 0xff38,
    SingleCandidate: 0xff3c,
    AllCandidates: 0xff3d,
    PreviousCandidate: 0xff3e,
    Home: 0xff50,
    ArrowLeft: 0xff51,
    ArrowUp: 0xff52,
    ArrowRight: 0xff53,
    ArrowDown: 0xff54,
    PageUp: 0xff55,
    PageDown: 0xff56,
    End: 0xff57,
    Select: 0xff60,
    PrintScreen: 0xff61,
    Print: 0xff61,
    Execute: 0xff62,
    Insert: 0xff63,
    Undo: 0xff65,
    Redo: 0xff66,
    Again: 0xff66,
    ContextMenu: 0xff67,
    Find: 0xff68,
    Cancel: 0xff69,
    Help: 0xff6a,
    ModeChange: 0xff7e,
    NumLock: 0xff7f,
    CapsLock: 0xffe5,
    AltGraph: 0xfe03,
    GroupNext: 0xfe08,
    GroupPrevious: 0xfe0a,
    GroupFirst: 0xfe0c,
    GroupLast: 0xfe0e,
    Hyper: 0xffed,
    BrightnessUp: 0x1008ff02,
    BrightnessDown: 0x1008ff03,
    Standby: 0x1008ff10,
    AudioVolumeDown: 0x1008ff11,
    AudioVolumeMute: 0x1008ff12,
    AudioVolumeUp: 0x1008ff13,
    MediaPlay: 0x1008ff14,
    MediaPlayPause: 0x1008ff14,
    MediaStop: 0x1008ff15,
    MediaTrackPrevious: 0x1008ff16,
    MediaTrackNext: 0x1008ff17,
    BrowserHome: 0x1008ff18,
    LaunchMail: 0x1008ff19,
    BrowserSearch: 0x1008ff1b,
    MediaRecord: 0x1008ff1c,
    LaunchApplication2: 0x1008ff1d,
    LaunchCalculator: 0x1008ff1d,
    LaunchCalendar: 0x1008ff20,
    BrowserBack: 0x1008ff26,
    BrowserForward: 0x1008ff27,
    BrowserStop: 0x1008ff28,
    BrowserRefresh: 0x1008ff29,
    Power: 0x1008ff2a,
    WakeUp: 0x1008ff2b,
    Eject: 0x1008ff2c,
    LaunchScreenSaver: 0x1008ff2d,
    LaunchWebBrowser: 0x1008ff2e,
    Sleep: 0x1008ff2f,
    BrowserFavorites: 0x1008ff30,
    MediaPause: 0x1008ff31,
    LaunchMediaPlayer: 0x1008ff32,
    LaunchApplication1: 0x1008ff33,
    MediaRewind: 0x1008ff3e,
    Close: 0x1008ff56,
    Copy: 0x1008ff57,
    Cut: 0x1008ff58,
    LaunchSpreadsheet: 0x1008ff5c,
    LogOff: 0x1008ff61,
    New: 0x1008ff68,
    Open: 0x1008ff6b,
    Paste: 0x1008ff6d,
    LaunchPhone: 0x1008ff6e,
    MailReply: 0x1008ff72,
    Save: 0x1008ff77,
    MailSend: 0x1008ff7b,
    SpellCheck: 0x1008ff7c,
    LaunchWordProcessor: 0x1008ff89,
    ZoomIn: 0x1008ff8b,
    ZoomOut: 0x1008ff8c,
    LaunchWebCam: 0x1008ff8f,
    MailForward: 0x1008ff90,
    LaunchMusicPlayer: 0x1008ff92,
    MediaFastForward: 0x1008ff97,
    Hibernate: 0x1008ffa8,
    MicrophoneMuteToggle: 0x1008ffb2,
  }),
);

/** The same, on the numeric keypad. */
const KEYPAD = new Map(
  Object.entries({
    " ": 0xff80,
    Tab: 0xff89,
    Enter: 0xff8d,
    Home: 0xff95,
    ArrowLeft: 0xff96,
    ArrowUp: 0xff97,
    ArrowRight: 0xff98,
    ArrowDown: 0xff99,
    PageUp: 0xff9a,
    PageDown: 0xff9b,
    End: 0xff9c,
    Clear: 0xff9d,
    Insert: 0xff9e,
    Delete: 0xff9f,
    "*": 0xffaa,
    "+": 0xffab,
    ",": 0xffac,
    "-": 0xffad,
    ".": 0xffae,
    "/": 0xffaf,
    "=": 0xffbd,
  }),
);

/** Modifiers, [left or only, right]. @type {Map<string, [number, number]>} */
const MODIFIERS = new Map([
  ["Shift", [0xffe1, 0xffe2]],
  ["Control", [0xffe3, 0xffe4]],
  ["Alt", [0xffe9, 0xffea]],
  ["Meta", [0xffeb, 0xffec]],
  ["Super", [0xffeb, 0xffec]],
  ["OS", [0xffeb, 0xffec]],
]);

const LOCATION_RIGHT = 2;
const LOCATION_KEYPAD = 3;
const F1 = 0xffbe;
const KEYPAD_0 = 0xffb0;

/**
 * The keysym that means a character: Latin-1 has its own, all others follow from their code point.
 * @param {string} character  one code point
 */
export function keysymOfCharacter(character) {
  const point = character.codePointAt(0) ?? 0;
  if (point === 0x0a || point === 0x0d) return 0xff0d;
  if (point === 0x09) return 0xff09;
  const isLatin1 = (point >= 0x20 && point <= 0x7e) || (point >= 0xa0 && point <= 0xff);
  return isLatin1 ? point : 0x01000000 | point;
}

/**
 * What a key means, as an X11 keysym; 0 when it means none.
 * @param {string} key  `KeyboardEvent.key`
 * @param {number} location  `KeyboardEvent.location`
 */
export function keysymOfKey(key, location) {
  const modifier = MODIFIERS.get(key);
  if (modifier !== undefined) return modifier[location === LOCATION_RIGHT ? 1 : 0];
  if (location === LOCATION_KEYPAD) {
    const onKeypad = KEYPAD.get(key);
    if (onKeypad !== undefined) return onKeypad;
    if (/^[0-9]$/.test(key)) return KEYPAD_0 + Number(key);
  }
  const named = NAMED.get(key);
  if (named !== undefined) return named;
  const functionKey = /^F([1-9]|[12][0-9]|3[0-5])$/.exec(key);
  if (functionKey !== null) return F1 + Number(functionKey[1]) - 1;
  return isOneCharacter(key) ? keysymOfCharacter(key) : 0;
}

/** @param {string} key  `KeyboardEvent.key` */
export function isOneCharacter(key) {
  return key.length > 0 && key.length === String.fromCodePoint(key.codePointAt(0) ?? 0).length;
}

/**
 * True for a key that gives several characters at once (a dead key before one that it does not fit).
 * @param {string} key  `KeyboardEvent.key`
 */
export function isText(key) {
  return key.length > 1 && !isOneCharacter(key) && !/^[A-Z][A-Za-z0-9]+$/.test(key);
}
