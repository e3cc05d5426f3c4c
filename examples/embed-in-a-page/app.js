// The server's root, on this page's own origin: see README.md.
const SERVER = new URL("/desktop/", location.href);
const { KasmClient } = await import(new URL("client.js", SERVER).href);

/** @param {string} id */
const find = (id) => /** @type {HTMLElement} */ (document.getElementById(id));
const connect = /** @type {HTMLButtonElement} */ (find("connect"));
const leave = /** @type {HTMLButtonElement} */ (find("leave"));

const client = new KasmClient(find("desktop"), { url: SERVER.href, scale: "resize" });

client.addEventListener("state", ({ detail: { name, reason } }) => {
  find("state").textContent = reason ? `${name}: ${reason}` : name;
  connect.disabled = name === "connecting" || name === "connected";
  leave.disabled = name === "idle" || name === "ended";
  if (name === "login") location.assign(new URL("login.html", SERVER));
});
client.addEventListener("desktop", ({ detail }) => {
  document.title = detail.name;
});
client.addEventListener("notice", ({ detail }) => {
  find("notices").textContent = detail.text;
});

connect.addEventListener("click", () => {
  client.connect();
  client.focus();
});
leave.addEventListener("click", () => client.disconnect());
