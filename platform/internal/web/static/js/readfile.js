// A file that is chosen is read into the text box of its form; nothing is sent.
const most = 512 * 1024;

export function startFiles(root) {
  for (const box of root.querySelectorAll("[data-read-file]")) {
    const input = box.querySelector("input[type=file]");
    const text = box.closest("form").querySelector("textarea");
    input.addEventListener("change", async () => {
      const [file] = input.files;
      if (!file) return;
      if (file.size > most) {
        input.setCustomValidity("The file is larger than the limit of 512 KB.");
        input.reportValidity();
        return;
      }
      input.setCustomValidity("");
      text.value = await file.text();
      text.focus();
    });
  }
}
