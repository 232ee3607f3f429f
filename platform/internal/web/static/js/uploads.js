// A file that is too large is told before it is sent; the server holds to it anyhow.
export function startUploads(root) {
  for (const input of root.querySelectorAll("input[type=file][data-most]")) {
    const fits = () => {
      const [file] = input.files;
      const long = file && file.size > Number(input.dataset.most);
      input.setCustomValidity(long ? "The file is larger than the limit of 20 MB." : "");
      if (long) input.reportValidity();
      return !long;
    };
    input.addEventListener("change", fits);
    input.form.addEventListener("submit", (e) => { if (!fits()) e.preventDefault(); });
  }
}
