// Passkeys: what the server asks goes to the browser, its answer into the form.

async function options(button) {
  if (button.dataset.options) return JSON.parse(button.dataset.options);
  const answer = await fetch(button.dataset.from, { method: "POST", headers: { Accept: "application/json" } });
  if (!answer.ok) throw new Error(`status ${answer.status}`);
  return answer.json();
}

async function passkey(button) {
  const asked = await options(button);
  const wanted = asked.publicKey ?? asked;
  const made = "create" in button.dataset
    ? await navigator.credentials.create({ publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(wanted) })
    : await navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(wanted) });
  return JSON.stringify(made.toJSON());
}

// excuse says in plain words why no passkey came.
function excuse(err) {
  if (!window.PublicKeyCredential?.parseRequestOptionsFromJSON) return "This browser cannot use passkeys. Use another way.";
  if (err.name === "NotAllowedError") return "No passkey was used: it was cancelled or took too long. Try again.";
  if (err.name === "InvalidStateError") return "This device holds a passkey for you already.";
  return "The passkey could not be used. Try again, or use another way.";
}

export function startPasskeys(root) {
  root.addEventListener("click", async (e) => {
    const button = e.target.closest("[data-passkey]");
    if (!button || button.getAttribute("aria-busy")) return;
    const says = button.parentElement.querySelector("[data-passkey-says]");
    const form = document.getElementById(button.dataset.passkey) ?? button.form;
    const field = form.elements[button.dataset.field];
    says.textContent = "";
    button.setAttribute("aria-busy", "true");
    try {
      field.value = await passkey(button);
      field.disabled = false;
      // Not requestSubmit by the form's own button: its verb is another way.
      form.requestSubmit();
    } catch (err) {
      button.removeAttribute("aria-busy");
      says.textContent = excuse(err);
    }
  });
}
