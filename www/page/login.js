import { find } from "./elements.js";

const form = find("login", HTMLFormElement);
const button = find("login-button", HTMLButtonElement);
const message = find("login-message", HTMLElement);
const userName = find("user-name", HTMLInputElement);
const password = find("password", HTMLInputElement);

if (location.hash === "#expired") message.textContent = "Your login has expired. Sign in again.";

/**
 * Nobody may try for a while: count down, then let them.
 * @param {number} left_s
 */
function countDown(left_s) {
  button.disabled = left_s > 0;
  message.textContent =
    left_s > 0 ? `Too many attempts. You can try again in ${left_s} s.` : "You can try again now.";
  if (left_s > 0) setTimeout(() => countDown(left_s - 1), 1000);
}

/** @param {Response} response */
async function explain(response) {
  const told = await response.json().catch(() => ({}));
  if (response.status === 429) {
    countDown(Math.max(1, Math.ceil(Number(told.retry_after_s) || 1)));
    return;
  }
  message.textContent =
    response.status === 401
      ? "User name or password is wrong."
      : told.error || `The server answers with an error (HTTP ${response.status}).`;
  password.select();
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  button.disabled = true;
  message.textContent = "";
  try {
    const response = await fetch("api/login", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ username: userName.value, password: password.value }),
    });
    button.disabled = false;
    if (response.ok) location.replace("./");
    else await explain(response);
  } catch {
    button.disabled = false;
    message.textContent = "The server cannot be reached. Check that it runs, then try again.";
  }
});
